//! What the README shows of a first start is what a first start says.

use super::{blocks::ALONE, pages, run::unprinted};
use crate::support::{directory::Directory, server::Server};

/// Where the README supposes the data, for it starts the server as root.
const DATA: &str = "/var/lib/hookshelf";

#[tokio::test]
async fn the_first_start_is_shown_as_it_is() {
    let (page, start, _) = ALONE[0];
    let blocks = pages::named(page).blocks();
    let shown = blocks.iter().find(|it| it.first().starts_with(start));
    let shown = &shown.unwrap().lines;
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), "").unwrap();
    let server = Server::start_in(directory, None);
    let data = server.directory.join("data").display().to_string();
    let said = server.said().join("\n").replace(&data, DATA);
    // How the program is called belongs to whoever calls it; the last line is not read here.
    let (last, shown) = shown.split_last().unwrap();
    assert!(last.contains("events list"), "{last}");
    assert_eq!(unprinted(shown, &said), None, "{said}");
    assert!(server.stop().0.success());
}
