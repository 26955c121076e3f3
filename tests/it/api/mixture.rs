//! Two scopes and any stored mixture: no answer of any route to one has an id of the other.

use serde_json::json;

use super::*;

/// Tokens with the apps and clients of their scopes.
const SCOPES: [(&str, Option<&str>, Option<&str>); 4] = [
    ("bakery", None, Some("bakery")),
    ("florist", None, Some("florist")),
    ("shop", Some("shop"), None),
    ("corner", Some("shop"), Some("bakery")),
];

const LISTS: [&str; 29] = [
    "/v1/events?limit=1000",
    "/v1/events?order=oldest&limit=3",
    "/v1/events?text=hello&limit=1000",
    "/v1/events?payload=mid&limit=1000",
    "/v1/events?media=media-of-both",
    "/v1/events?username=somebody",
    "/v1/events?format=ndjson",
    "/v1/events?format=csv",
    "/v1/events?format=csv&dry=true",
    "/v1/deliveries?limit=1000",
    "/v1/deliveries?format=csv",
    "/v1/rejections?format=ndjson",
    "/v1/conversations?format=ndjson",
    "/v1/media?format=csv",
    "/v1/media/media-of-both/comments?format=ndjson",
    "/v1/deliveries?format=csv&dry=true",
    "/v1/rejections?limit=1000",
    "/v1/accounts?limit=1000",
    "/v1/conversations?limit=1000",
    "/v1/conversations?order=longest_waiting&waiting=true",
    "/v1/media?limit=1000",
    "/v1/media/media-of-both/comments",
    "/v1/stats?by=account,client,app,kind,hour",
    "/v1/gaps?limit=1000",
    "/v1/consumers",
    "/v1/spool",
    "/v1/spool/records",
    "/metrics",
    "/v1/find?id=media-of-both",
];

/// Routes of one object.
const OBJECTS: [&str; 15] = [
    "/v1/events/{position}",
    "/v1/events/{position}/around?n=200",
    "/v1/find?id={position}",
    "/v1/find?id={mid}",
    "/v1/events?delivery={delivery}",
    "/v1/deliveries/{delivery}",
    "/v1/deliveries/{delivery}/body",
    "/v1/deliveries/{delivery}/signature",
    "/v1/accounts/{account}",
    "/v1/events?account={account}",
    "/v1/conversations?account={account}",
    "/v1/media?account={account}",
    "/v1/conversations/{account}/{person}",
    "/v1/conversations/{account}/{person}?format=csv",
    "/v1/media/{media}/comments",
];

/// An item of a delivery, with ids of its own.
#[derive(Clone, Debug)]
struct Entry {
    app: &'static str,
    account: usize,
    number: u64,
    is_comment: bool,
}

/// Client of an account at an app. The same account may belong to one client at one app and to
/// another at the other.
fn client(app: &str, account: usize) -> Option<&'static str> {
    match (account, app) {
        (0 | 1, _) | (2, "shop") => Some("bakery"),
        (2..=4, _) => Some("florist"),
        _ => None,
    }
}

impl Entry {
    fn account(&self) -> String {
        format!("1784000000000{:03}", self.account)
    }

    /// Ids that only events of this item have.
    fn ids(&self) -> Vec<String> {
        let ids = ["mid", "person", "comment", "medium", "hello"];
        ids.map(|id| format!("{id}-{:06}", self.number)).to_vec()
    }

    fn json(&self) -> Value {
        let [mid, person, comment, medium, hello] = self.ids().try_into().unwrap();
        let (account, at) = (self.account(), 1_795_000_000_000 + self.number);
        if !self.is_comment {
            return json!({"id": account, "time": at, "messaging": [
                {"sender": {"id": person}, "recipient": {"id": account}, "timestamp": at,
                 "message": {"mid": mid, "text": hello}}]});
        }
        let media = if self.number.is_multiple_of(3) {
            "media-of-both".to_owned()
        } else {
            medium
        };
        let from = json!({"id": person, "username": "somebody"});
        json!({"id": account, "time": at / 1000, "changes": [{"field": "comments", "value":
            {"id": comment, "text": hello, "media": {"id": media}, "from": from}}]})
    }

    fn is_seen_by(&self, app: Option<&str>, clients: Option<&str>) -> bool {
        app.is_none_or(|app| app == self.app)
            && clients.is_none_or(|name| client(self.app, self.account) == Some(name))
    }
}

/// A random number generator: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Deliveries of one to four items each, of any accounts; some are delivered again, alone or with
/// other items.
fn mixture(random: &mut Random) -> Vec<Vec<Entry>> {
    let mut deliveries: Vec<Vec<Entry>> = Vec::new();
    let mut number = 100_000;
    for _ in 0..14 {
        let app = ["default", "shop"][usize::try_from(random.below(2)).unwrap()];
        let mut items: Vec<_> = (0..=random.below(4))
            .map(|_| {
                number += 1;
                Entry {
                    app,
                    account: usize::try_from(random.below(7)).unwrap(),
                    number,
                    is_comment: random.below(2) == 0,
                }
            })
            .collect();
        if random.below(3) == 0 {
            let mut before = deliveries.iter().filter(|it| it[0].app == app);
            items.extend(before.next_back().map(|it| it[0].clone()));
        }
        deliveries.push(items);
    }
    deliveries
}

impl Desk {
    /// A desk on which a mixture was delivered and refused.
    async fn with_mixture(deliveries: &[Vec<Entry>]) -> Self {
        let corner = table(
            "corner",
            "role = 'operator'\napps = ['shop']\nclients = ['bakery']",
        );
        let proxies = "[http]\ntrusted_proxies = ['127.0.0.1/32']\n";
        let desk = Self::open_with(&format!("{}{corner}{proxies}", tokens())).await;
        for items in deliveries {
            let entries: Vec<_> = items.iter().map(Entry::json).collect();
            let body = json!({"object": "instagram", "entry": entries}).to_string();
            let path = format!("/webhook/{}", items[0].app);
            assert_eq!(desk.server.deliver(&path, body).await.status, 200);
        }
        for (app, from) in [("default", "198.51.100.7"), ("shop", "203.0.113.9")] {
            let headers = [("X-Forwarded-For", from)];
            let path = format!("/webhook/{app}");
            assert_eq!(desk.server.post(&path, &headers, "{}").await.status, 401);
        }
        desk.run(
            "INSERT INTO gaps (app, cause, opened_at) VALUES
                 ('default', 'down', now()), ('shop', 'down', now());
             UPDATE accounts SET client = 'bakery' WHERE right(account_id, 1) IN ('0', '1')
                 OR right(account_id, 1) = '2' AND app = 'shop';
             UPDATE accounts SET client = 'florist' WHERE right(account_id, 1) IN ('3', '4')
                 OR right(account_id, 1) = '2' AND app = 'default';
             UPDATE accounts SET label = 'label of ' || account_id || ' at ' || app,
                 username = 'name.of.' || account_id",
        )
        .await;
        desk.be_listed().await;
        let mut database = desk.server.database().await;
        eventually("events and rejections are counted", async || {
            let counted = "SELECT (SELECT count(*) FROM rejections) = 2
                AND (SELECT position FROM followers WHERE name = 'stats')
                    >= (SELECT max(position) FROM events)";
            sqlx::query_scalar(counted)
                .fetch_one(&mut database)
                .await
                .unwrap_or(false)
        })
        .await;
        desk
    }
}

/// Places of an item in the database: positions and deliveries, of its event and its repeats.
async fn places(desk: &Desk, entry: &Entry) -> Vec<(String, String)> {
    let sql = "SELECT position::text, delivery_id::text FROM events
               WHERE app = $1 AND account_id = $2 AND (message_id = $3 OR comment_id = $4)
               UNION ALL
               SELECT r.position::text, r.delivery_id::text FROM repeats AS r
               JOIN events AS e ON e.position = r.event_position
               WHERE e.app = $1 AND e.account_id = $2 AND (e.message_id = $3 OR e.comment_id = $4)";
    let ids = entry.ids();
    let found = sqlx::query_as(sql)
        .bind(entry.app)
        .bind(entry.account())
        .bind(&ids[0])
        .bind(&ids[2]);
    found
        .fetch_all(&mut desk.server.database().await)
        .await
        .unwrap()
}

/// Values of the key `position` anywhere in a value.
fn positions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|it| positions(it, found)),
        Value::Object(members) => {
            for (key, value) in members {
                if let ("position" | "event_position", Some(text)) = (&**key, value.as_str()) {
                    found.insert(text.to_owned());
                }
                positions(value, found);
            }
        }
        _ => {}
    }
}

/// Own positions and foreign ids of a scope.
struct Sight {
    own_positions: BTreeSet<String>,
    foreign: Vec<String>,
}

impl Sight {
    fn of(
        entries: &[(Entry, Vec<(String, String)>)],
        app: Option<&str>,
        name: Option<&str>,
    ) -> Self {
        let own = || {
            entries
                .iter()
                .filter(|(entry, _)| entry.is_seen_by(app, name))
        };
        let ids = |entry: &Entry, places: &[(String, String)]| {
            let deliveries = places.iter().map(|(_, delivery)| delivery.clone());
            let at_app = format!("label of {} at {}", entry.account(), entry.app);
            let names = [entry.account(), at_app];
            entry
                .ids()
                .into_iter()
                .chain(names)
                .chain(deliveries)
                .collect::<Vec<_>>()
        };
        let own_ids: BTreeSet<_> = own()
            .flat_map(|(entry, places)| ids(entry, places))
            .collect();
        let all = entries
            .iter()
            .flat_map(|(entry, places)| ids(entry, places));
        let mut foreign: BTreeSet<_> = all.filter(|id| !own_ids.contains(id)).collect();
        foreign.extend((app == Some("shop")).then(|| "198.51.100.0".to_owned()));
        foreign.extend(name.is_some().then(|| "203.0.113.0".to_owned()));
        Self {
            own_positions: own()
                .flat_map(|(_, places)| places)
                .map(|it| it.0.clone())
                .collect(),
            foreign: foreign.into_iter().collect(),
        }
    }

    /// Asserts that an answer has nothing foreign, except what its request names.
    fn holds(&self, request: &str, body: &str) {
        let leaked: Vec<_> = self
            .foreign
            .iter()
            .filter(|id| body.contains(&**id) && !request.contains(&**id))
            .collect();
        assert!(leaked.is_empty(), "{request}: {leaked:?} in {body}");
        let lines = body
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let mut found = BTreeSet::new();
        lines.for_each(|line| positions(&line, &mut found));
        found.retain(|position| !self.own_positions.contains(position));
        assert!(found.is_empty(), "{request}: {found:?} in {body}");
    }
}

async fn holds_for(seed: u64) {
    let mut random = Random(seed);
    let deliveries = mixture(&mut random);
    let desk = Desk::with_mixture(&deliveries).await;
    let mut entries = Vec::new();
    for entry in deliveries.into_iter().flatten() {
        let places = places(&desk, &entry).await;
        assert!(!places.is_empty(), "{entry:?}");
        entries.push((entry, places));
    }
    for (name, app, client) in SCOPES {
        let sight = Sight::of(&entries, app, client);
        for request in LISTS {
            let answer = desk.ask_as(name, request).await;
            let body = String::from_utf8(answer.body.to_vec()).unwrap();
            sight.holds(&format!("{request} as {name}"), &body);
        }
        for block in desk.stream_as(name, "").await {
            let data = block.data.unwrap_or_default();
            assert!(
                block.id.is_none_or(
                    |id| data.is_empty() || sight.own_positions.contains(&id.to_string())
                )
            );
            sight.holds(&format!("the stream of {name}"), &data);
        }
        let list = desk.read_as(name, "/v1/events?limit=1000").await;
        let shown = list["events"].as_array().unwrap().len();
        let own: BTreeSet<_> = entries
            .iter()
            .filter(|(entry, _)| entry.is_seen_by(app, client))
            .map(|(entry, _)| entry.number)
            .collect();
        assert_eq!(shown, own.len(), "{name} sees all of its own");
        for (entry, places) in &entries {
            let is_own = entry.is_seen_by(app, client);
            for (position, delivery) in places {
                let [mid, person, comment, medium, _] = entry.ids().try_into().unwrap();
                let own = if entry.is_comment { comment } else { mid };
                for route in OBJECTS {
                    let request = route
                        .replace("{position}", position)
                        .replace("{delivery}", delivery)
                        .replace("{account}", &entry.account())
                        .replace("{mid}", &own)
                        .replace("{person}", &person)
                        .replace("{media}", &medium);
                    let answer = desk.ask_as(name, &request).await;
                    let body = String::from_utf8(answer.body.to_vec()).unwrap();
                    // The answer quotes the request, as in the URL of the next page.
                    sight.holds(&format!("{request} as {name}"), &body);
                    if route == "/v1/events/{position}" {
                        let status = if is_own { 200 } else { 404 };
                        assert_eq!(answer.status, status, "{request} as {name}: {body}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn no_answer_to_a_scope_has_an_id_of_another_whatever_is_stored() {
    for seed in [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03] {
        holds_for(seed).await;
    }
}
