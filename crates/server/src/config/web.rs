//! The keys of `[web]`: what browsers are told, and which pages may connect.

use super::Config;
use super::key::{Group, Key, section};
use super::kind::{self, Kind, elements, expected, list_of, quoted};
use super::words::{DemoPage, LoginProvider};
use crate::http::{Allowed, Demo, Origin, Site};
use std::sync::Arc;
use toml::Value;

section! {
    /// The page that a browser finds at the server's address.
    WebConfig at "web", in web {
        /// A chat room to try the server with: auto (while login.provider is "open", that is, in development), on or off.
        /// Where it is off, a short note says what this is. Costs some 200 KiB of memory, whoever looks.
        demo: DemoPage as kind::word::<DemoPage>(), = DemoPage::Auto;
    }
    with {
        /// WebSocket.
        ws: WsConfig,
    }
}

section! {
    /// Browsers. WebSocket is served where server.listen is, beside everything else.
    WsConfig at "web.ws", in web.ws {
        /// The path of the WebSocket.
        path: String as PATH, = "/ws".to_owned();
        /// Pages whose scripts may connect: "same" (the page's host and port are those that were connected to), whole
        /// origins such as `https://chat.example`, or "*" for every page. Who sends no Origin is no browser, and fine.
        origins: Vec<Allowed> as ORIGINS, = vec![Allowed::Same];
    }
}

impl Config {
    /// What is served over HTTP.
    pub fn site(&self) -> Site {
        let ws = &self.web.ws;
        let demo = self.has_demo().then(|| Arc::new(Demo::new(&ws.path, self.is_login_open())));
        Site { ws_path: ws.path.clone(), ws_origins: ws.origins.clone(), demo }
    }

    /// Whether the demo stands at `/`.
    pub fn has_demo(&self) -> bool {
        match self.web.demo {
            DemoPage::Auto => self.is_login_open(),
            DemoPage::On => true,
            DemoPage::Off => false,
        }
    }

    fn is_login_open(&self) -> bool {
        self.login.provider == LoginProvider::Open
    }
}

const PATH: Kind<String> = Kind { plain: true, read: read_path, show: |path| quoted(path) };
const ORIGINS: Kind<Vec<Allowed>> = Kind {
    plain: false,
    read: |value| elements(value)?.iter().map(read_origin).collect(),
    show: |list| list_of(list.iter().map(|one| quoted(&show_origin(one)))),
};
/// Longer than anybody would type.
const PATH_BYTES_MAX: usize = 256;

fn read_path(value: &Value) -> Result<String, String> {
    let is_path = |text: &&str| {
        text.starts_with('/')
            && text.len() <= PATH_BYTES_MAX
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte))
            && !["/healthz", "/readyz"].contains(text)
    };
    let path = value.as_str().filter(is_path);
    path.map(str::to_owned).ok_or_else(|| expected("a path of its own, such as \"/ws\"", value))
}

fn read_origin(value: &Value) -> Result<Allowed, String> {
    let allowed = match value.as_str() {
        Some("same") => Some(Allowed::Same),
        Some("*") => Some(Allowed::Any),
        text => text.and_then(Origin::parse).map(Allowed::Exactly),
    };
    allowed.ok_or_else(|| expected("\"same\", \"*\" or an origin, such as \"https://chat.example\"", value))
}

fn show_origin(allowed: &Allowed) -> String {
    match allowed {
        Allowed::Same => "same".to_owned(),
        Allowed::Any => "*".to_owned(),
        Allowed::Exactly(origin) => origin.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_its_own() {
        for good in ["/", "/ws", "/a/b-c.d", &format!("/{}", "x".repeat(255))] {
            assert_eq!(read_path(&good.into()), Ok(good.to_owned()));
        }
        for bad in
            ["", "ws", "/a b", "/a?b", "/a#b", "/ü", "/healthz", "/readyz", &format!("/{}", "x".repeat(256))]
        {
            assert!(read_path(&bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_demo_is_for_development_unless_it_is_asked_for() {
        for (provider, demo, shown) in [
            (LoginProvider::Open, DemoPage::Auto, true),
            (LoginProvider::Jwt, DemoPage::Auto, false),
            (LoginProvider::Open, DemoPage::Off, false),
            (LoginProvider::Jwt, DemoPage::On, true),
        ] {
            let mut config = Config::default();
            (config.login.provider, config.web.demo) = (provider, demo);
            assert_eq!(
                (config.has_demo(), config.site().demo.is_some()),
                (shown, shown),
                "{provider:?} {demo:?}"
            );
        }
    }

    #[test]
    fn an_origin_is_a_whole_one() {
        for (text, shown) in [
            ("same", "same"),
            ("*", "*"),
            ("HTTPS://Chat.Example:443", "https://chat.example"),
            ("app://x", "app://x"),
        ] {
            assert_eq!(read_origin(&text.into()).map(|one| show_origin(&one)), Ok(shown.to_owned()));
        }
        for bad in ["", "Same", "chat.example", "https://chat.example/", "https://*.chat.example", "null"] {
            assert!(read_origin(&bad.into()).is_err(), "{bad}");
        }
    }
}
