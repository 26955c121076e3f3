"""Compares the files beside it with the npm packages that SOURCES.toml lists.

    python3 assets/vendor/check.py
    python3 assets/vendor/check.py --write

--write writes the files and their sums. Needs Python 3.11 and npm.
"""
import argparse, hashlib, os, re, subprocess, sys, tarfile, tempfile, tomllib
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

FOLDER = Path(__file__).resolve().parent
SOURCES = FOLDER / "SOURCES.toml"
OWN = {"SOURCES.toml", "check.py"}
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = set("circle ellipse line path polygon polyline rect".split())
# Attributes that draw. Anything else could load or run something.
DRAWING = set("cx cy d fill height points r rx ry width x x1 x2 y y1 y2".split())
ON_SYMBOL = set("viewBox fill stroke stroke-width stroke-linecap stroke-linejoin".split())


def fetch(package, scratch):
    """Downloads a package with npm, which verifies its checksum. Returns its files by path."""
    name = f'{package["name"]}@{package["version"]}'
    # In a directory of its own: the archive is the only file there, and no .npmrc applies.
    place = tempfile.mkdtemp(dir=scratch)
    npm = ["npm", "pack", name, "--silent", f"--pack-destination={place}", f"--cache={scratch}/npm"]
    # The compile cache of Node would stay in the directory for temporary files.
    environment = os.environ | {"NODE_DISABLE_COMPILE_CACHE": "1"}
    try:
        subprocess.run(npm, cwd=place, env=environment, stdout=subprocess.DEVNULL, check=True)
    except FileNotFoundError:
        sys.exit("npm is missing: install the package npm")
    except subprocess.CalledProcessError as error:
        sys.exit(f"npm pack {name} failed with status {error.returncode}")
    (archive,) = Path(place).glob("*.tgz")
    with tarfile.open(archive) as tar:
        # Paths begin with the directory `package/`.
        return {
            member.name.partition("/")[2]: tar.extractfile(member).read()
            for member in tar
            if member.isfile()
        }


def original(package, content, path):
    """Returns a file of a package."""
    if path not in content:
        sys.exit(f'{package["name"]} {package["version"]} has no file {path}')
    return content[path]


def attributes(element, names):
    """Writes the attributes of an element that have one of these names, in their order."""
    kept = [(name, value) for name, value in element.items() if name in names]
    return "".join(f" {name}={quoteattr(value)}" for name, value in kept)


def symbol(package, content, name):
    """Makes one symbol of the sprite. Fails on an icon that has more than shapes."""
    path = f"icons/{name}.svg"
    icon = ElementTree.fromstring(original(package, content, path))
    shapes = []
    for child in icon:
        tag = child.tag.removeprefix(SVG)
        if tag not in SHAPES or len(child) or not DRAWING.issuperset(child.keys()):
            sys.exit(f"{path} has an unknown element or attribute: {tag} {child.attrib}")
        shapes.append(f"<{tag}{attributes(child, DRAWING)}/>")
    return f"<symbol id={quoteattr(name)}{attributes(icon, ON_SYMBOL)}>{''.join(shapes)}</symbol>"


def sprite(package, content, icons):
    """Makes an SVG with a symbol for each icon."""
    symbols = "\n".join(symbol(package, content, name) for name in icons)
    origin = f'{package["name"]} {package["version"]}, {package["license"]}'
    return f'<svg xmlns="{SVG[1:-1]}">\n<!-- {origin} -->\n{symbols}\n</svg>\n'.encode()


def expected(packages):
    """Returns (entry, description of its source, bytes) for each listed file."""
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for package in packages:
            content = fetch(package, scratch)
            for entry in package["file"]:
                origin = f'{package["name"]} {package["version"]}'
                if "icons" in entry:
                    data = sprite(package, content, entry["icons"])
                    found.append((entry, f"the sprite of its icons from {origin}", data))
                else:
                    data = original(package, content, entry["path"])
                    found.append((entry, f'{entry["path"]} of {origin}', data))
    return found


def write(found):
    """Writes each file, and its sum into SOURCES.toml."""
    text, line = SOURCES.read_text(), re.compile(r'^sha512 = ".*"$', re.MULTILINE)
    if len(line.findall(text)) != len(found):
        sys.exit('SOURCES.toml: write one line sha512 = "" for each file')
    for entry, _, data in found:
        entry["sha512"] = hashlib.sha512(data).hexdigest()
        file = FOLDER / entry["file"]
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    sums = (entry["sha512"] for entry, _, _ in found)
    SOURCES.write_text(line.sub(lambda _: f'sha512 = "{next(sums)}"', text))


def differences(found):
    """Returns a message for each difference between the folder, SOURCES.toml and the packages."""
    listed = {entry["file"] for entry, _, _ in found}
    files = [file for file in FOLDER.rglob("*") if not file.is_dir()]
    present = {file.relative_to(FOLDER).as_posix() for file in files}
    messages = [
        f"{name}: not listed in SOURCES.toml; list it, or delete it"
        for name in sorted(present - listed - OWN)
    ]
    for entry, origin, data in found:
        name = entry["file"]
        if name not in present:
            messages.append(f"{name}: the file is missing; restore it with --write")
        elif (FOLDER / name).read_bytes() != data:
            messages.append(f"{name}: the bytes differ from {origin}; restore them with --write")
        if entry.get("sha512") != hashlib.sha512(data).hexdigest():
            messages.append(f"{name}: its sha512 in SOURCES.toml differs from {origin}")
    return messages


def main():
    parser = argparse.ArgumentParser(description="Compares vendored files with their npm packages.")
    parser.add_argument("--write", action="store_true", help="write the files and their sums")
    options = parser.parse_args()
    found = expected(tomllib.loads(SOURCES.read_text())["package"])
    if options.write:
        write(found)
    messages = differences(found)
    for message in messages:
        print(f"assets/vendor/{message}", file=sys.stderr)
    if messages:
        sys.exit(1)
    print(f"{len(found)} vendored files are as in their packages")


if __name__ == "__main__":
    main()
