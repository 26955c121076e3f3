//! `cargo bench --bench compare -- reading --pages`: pages, and the requests to the API that return
//! their data, in turn.

use anyhow::Context;
use sqlx::PgConnection;

use super::{P99, cases, quantile};
use crate::request::Client;

/// Maximum ratio of the medians.
const RATIO: f64 = 2.0;

/// Maximum KiB of HTML.
const SIZE: f64 = 40.0;

/// Page, request to the API, and the SQL that finds the id for `{}` in both.
const PAGES: [(&str, &str, &str); 14] = [
    ("/", "/v1/stats?by=hour,kind&since=24h", cases::ONE),
    ("/live", "/v1/events", cases::ONE),
    ("/events", "/v1/events", cases::ONE),
    ("/events?account={}", "/v1/events?account={}", cases::BUSY),
    ("/events/{}", "/v1/events/{}", cases::POSITION),
    ("/conversations", "/v1/conversations", cases::ONE),
    (
        "/conversations/{}",
        "/v1/conversations/{}",
        cases::LONG_CONVERSATION,
    ),
    ("/comments", "/v1/media", cases::ONE),
    ("/comments/{}", "/v1/media/{}/comments", cases::VIRAL),
    ("/deliveries", "/v1/deliveries", cases::ONE),
    ("/deliveries/{}", "/v1/deliveries/{}", cases::DELIVERY),
    ("/rejections", "/v1/rejections", cases::ONE),
    ("/accounts", "/v1/accounts", cases::ONE),
    ("/find?id={}", "/v1/find?id={}", cases::USERNAME),
];

/// Measures every page.
pub(super) async fn measure(
    client: &mut Client,
    rounds: u32,
    conn: &mut PgConnection,
) -> anyhow::Result<()> {
    println!(
        "times in ms; p99 at most {}, ratio of the medians at most {RATIO}, HTML at most {SIZE} KiB\n\n\
         | page | median | p99 | API | median | ratio | KiB | met |\n\
         |---|---|---|---|---|---|---|---|",
        P99.as_millis()
    );
    for (page, request, id) in PAGES {
        let id: String = sqlx::query_scalar(id).fetch_one(&mut *conn).await?;
        let [of_page, of_api] = [page, request].map(|it| it.replace("{}", &id.replace(' ', "%20")));
        // The first requests fill caches.
        for path in [&of_page, &of_api].repeat(5) {
            client.get(path).with_context(|| page.to_owned())?;
        }
        let (mut ours, mut theirs, mut bytes) = (Vec::new(), Vec::new(), 0);
        for _ in 0..rounds {
            let answer = client.get(&of_page)?;
            bytes = answer.bytes;
            ours.push(answer.took);
            theirs.push(client.get(&of_api)?.took);
        }
        let [median, p99] = [0.5, 0.99].map(|share| quantile(&mut ours, share));
        let api = quantile(&mut theirs, 0.5);
        let (ratio, size) = (median / api, f64::from(bytes) / 1024.0);
        let is_met = p99 <= P99.as_secs_f64() * 1000.0 && ratio <= RATIO && size <= SIZE;
        let met = if is_met { "yes" } else { "**no**" };
        println!(
            "| {page} | {median:.2} | {p99:.2} | {request} | {api:.2} | {ratio:.2} | {size:.0} | {met} |"
        );
    }
    Ok(())
}
