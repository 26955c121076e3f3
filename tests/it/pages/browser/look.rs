//! Looks: the ways in which an operator uses the pages, and the steps that depend on them.

use super::*;

/// Tab and space keys.
const TAB: &str = "\u{e004}";
const SPACE: &str = " ";

/// Most presses of the Tab key to reach an element.
const MOST_TABS: usize = 150;

/// A way to use the pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) has_scripts: bool,
    /// True if elements are reached and pressed with keys only.
    pub(super) by_keyboard: bool,
    pub(super) scheme: &'static str,
    pub(super) size: (u32, u32),
}

impl Look {
    /// At a desk, with a mouse.
    pub(super) const USUAL: Self = Self {
        has_scripts: true,
        by_keyboard: false,
        scheme: "light",
        size: DESK,
    };
    /// Without scripts.
    pub(super) const PLAIN: Self = Self {
        has_scripts: false,
        ..Self::USUAL
    };
    /// By keyboard alone, in the dark.
    pub(super) const KEYS: Self = Self {
        by_keyboard: true,
        scheme: "dark",
        ..Self::USUAL
    };
    /// On a phone, in the dark.
    pub(super) const PHONE: Self = Self {
        scheme: "dark",
        size: PHONE,
        ..Self::USUAL
    };
    pub(super) const ALL: [Self; 4] = [Self::USUAL, Self::PLAIN, Self::KEYS, Self::PHONE];
}

impl Browser {
    /// Uses the pages in this way from now on, with times in UTC.
    pub(super) async fn wear(&mut self, look: Look) {
        println!("as {look:?}");
        self.look = look;
        self.resize(look.size).await;
        self.prefer(look.scheme).await;
        // Without a cookie, the first page is rendered twice.
        let url = format!("{}/", self.front.url);
        let cookie = json!({"url": url, "name": "hookshelf_view", "value": "time:utc"});
        self.tell("Network.setCookie", cookie).await;
        let off = json!({"value": !look.has_scripts});
        self.tell("Emulation.setScriptExecutionDisabled", off).await;
    }

    /// Forgets all cookies.
    pub(super) async fn forget(&self) {
        self.tell("Network.clearBrowserCookies", json!({})).await;
    }

    pub(super) fn is_on_phone(&self) -> bool {
        self.look.size == PHONE
    }

    /// Presses a link, a button or the summary of a menu.
    pub(super) async fn choose(&self, selector: &str) {
        if !self.look.by_keyboard {
            return self.click(selector).await;
        }
        self.reach(selector).await;
        self.press(ENTER).await;
    }

    /// Ticks a box.
    pub(super) async fn tick(&self, selector: &str) {
        if !self.look.by_keyboard {
            return self.click(selector).await;
        }
        self.reach(selector).await;
        self.press(SPACE).await;
    }

    /// Writes into a field.
    pub(super) async fn write(&self, selector: &str, text: &str) {
        if self.look.by_keyboard {
            self.reach(selector).await;
        } else {
            self.click(selector).await;
        }
        self.press(text).await;
    }

    /// Moves the focus to an element with the Tab key.
    async fn reach(&self, selector: &str) {
        for _ in 0..MOST_TABS {
            let wanted = self.see(selector).await;
            let focused = self.tab.get("/element/active").await;
            let focused = focused.ok().as_ref().and_then(path_of);
            if focused.as_ref() == Some(&wanted) {
                return;
            }
            self.press(TAB).await;
        }
        panic!("the Tab key does not reach {selector}");
    }

    /// Waits until an element has a text as a part.
    pub(super) async fn says(&self, selector: &str, text: &str) {
        let what = format!("{selector} says {text}");
        eventually(&what, async || match self.tab.find(selector).await {
            Some(element) => {
                let said = self.tab.text(&element).await;
                said.is_some_and(|said| said.contains(text))
            }
            None => false,
        })
        .await;
    }

    /// Expects that the source of the page nowhere has a text.
    pub(super) async fn hides(&self, text: &str) {
        let source = self.tab.get("/source").await.unwrap();
        let source = source.as_str().unwrap();
        assert!(!source.contains(text), "{text} in {source}");
    }

    /// Signs in with the token of a name on the form that is open.
    pub(super) async fn sign_in(&self, name: &str) {
        self.write(".login [name=token]", &token(name)).await;
        self.choose(".login button").await;
        self.see(".side .who").await;
    }

    /// Takes messages of the console that a journey expects: each has one of these texts.
    pub(super) async fn expect_on_console(&self, texts: &[&str]) {
        for entry in self.tab.console().await {
            let message = entry["message"].as_str().unwrap();
            let is_expected = texts.iter().any(|text| message.contains(text));
            assert!(is_expected, "the console says {message}");
        }
    }
}
