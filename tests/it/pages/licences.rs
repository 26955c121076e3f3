//! Page of licences.

use super::*;

#[tokio::test]
async fn it_names_each_vendored_file_with_the_text_of_its_licence() {
    let desk = Desk::open().await;
    let page = desk.page_as("viewer", "/licences").await;
    assert_eq!(page.answer.status, 200);
    page.says("MIT OR Apache-2.0");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/vendor");
    let sources = std::fs::read_to_string(folder.join("SOURCES.toml")).unwrap();
    let sources: toml::Table = sources.parse().unwrap();
    for package in sources["package"].as_array().unwrap() {
        for name in ["name", "version", "license"] {
            page.says(package[name].as_str().unwrap());
        }
        for file in package["file"].as_array().unwrap() {
            let name = file["file"].as_str().unwrap();
            if name.starts_with("licenses/") {
                let text = std::fs::read_to_string(folder.join(name)).unwrap();
                page.says(&text.split_whitespace().collect::<Vec<_>>().join(" "));
            } else {
                page.says(name);
            }
        }
    }
    assert_eq!(desk.page("/health").await.links("/licences"), ["/licences"]);
}

#[tokio::test]
async fn it_stands_behind_the_sign_in_like_all_pages() {
    let desk = Desk::open().await;
    assert_eq!(desk.server.ask_admin("/licences").await.status, 401);
}
