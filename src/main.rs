//! Parses the arguments and hands over to `cli`.

use std::io::Write;

use hookshelf::store::private;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut settings = private::Settings::new(std::env::temp_dir());
    settings.search_path = std::env::var_os("PATH");
    settings.durable = false;
    settings.max_connections = 400;
    let ready = |db: &private::DevDb| {
        let mut out = std::io::stdout();
        serde_json::to_writer(&mut out, db)?;
        out.write_all(b"\n")?;
        out.flush()
    };
    runtime.block_on(private::dev_db(settings, std::io::stdin(), ready))?;
    Ok(())
}
