# Answers each event of a consumer once: python3 examples/bot.py bot.db
# Delivery is at least once, so the answer has the key of the event, and a second answer is left out.
import json, os, platform, sqlite3, sys, time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

SERVER = os.environ.get("HOOKSHELF_URL", "http://127.0.0.1:9090")
CONSUMER = os.environ.get("CONSUMER", "bot")
HEADERS = {"Authorization": "Bearer " + os.environ["HOOKSHELF_TOKEN"], "Content-Type": "application/json"}
WORKER = os.environ.get("WORKER", platform.node())  # Another name for each bot
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE IF NOT EXISTS answers (dedupe_key TEXT PRIMARY KEY, kind TEXT)")


def post(verb, body):
    url = home = f"{SERVER}/v1/consumers/{CONSUMER}/{verb}"
    while True:  # Until it succeeds; a repeated settlement is harmless
        try:
            return json.load(urlopen(Request(url, json.dumps(body).encode(), HEADERS), timeout=90))
        except HTTPError as refusal:
            print(refusal.code, refusal.read().decode(), file=sys.stderr)
            url = refusal.headers.get("Location", home)  # 307: the owner of the consumer
        except Exception as error:
            print(error, file=sys.stderr)
            url = home
        time.sleep(1)


post("release", {"worker": WORKER})  # Events that this worker held before a crash
while True:
    settle = {"acks": [], "nacks": []}
    for item in post("lease", {"max": 10, "wait_s": 25, "worker": WORKER})["events"]:
        try:
            with db:  # A transaction
                db.execute("INSERT INTO answers VALUES (:dedupe_key, :kind) ON CONFLICT DO NOTHING", item["event"])
            settle["acks"].append(item["lease"])
        except Exception as error:
            print(error, file=sys.stderr)
            settle["nacks"].append({"lease": item["lease"], "code": "answer_failed"})
    post("settle", settle)
