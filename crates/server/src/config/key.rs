//! One key of the file, and the macro that writes a section down once.
//!
//! A line of [`section!`] is a field of the section's struct, its default, and a [`Key`]: what the loader, the default
//! file, the variables and the tests walk. So a key cannot exist without its documentation, or a default twice.

use super::Config;
use serde::Deserialize;
use toml::Value;
use toml::de::ValueDeserializer;

/// A key that can be set, by its full name.
#[derive(Debug)]
pub struct Key {
    /// As in `--set`: `wire.timeouts.idle`.
    pub path: &'static str,
    /// What it is, its unit, its worst-case cost: lines of text.
    pub doc: &'static str,
    /// Takes a plain string, so that a variable or `--set` needs no TOML quotes around it.
    pub(super) plain: bool,
    pub(super) set: fn(&mut Draft, &Value) -> Result<(), String>,
    pub(super) show: fn(&Config) -> String,
}

impl Key {
    /// The value in `config`, as TOML.
    pub fn show(&self, config: &Config) -> String {
        (self.show)(config)
    }

    /// The value in `config`, as a TOML value: for other formats.
    pub fn value(&self, config: &Config) -> Option<Value> {
        Value::deserialize(ValueDeserializer::parse(&self.show(config)).ok()?).ok()
    }

    /// The environment variable of this key.
    pub fn variable(&self) -> String {
        format!("LONGWIRE_{}", self.path.replace('.', "__").to_uppercase())
    }
}

/// A configuration under way: what cannot be a plain value before all its keys are known is kept beside it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) config: Config,
    /// LOGIN … CMS as set so far; they become a `CommandMap` together, because two may swap their numbers.
    pub(super) codes: [Option<u8>; 6],
}

/// `[name]` of the file: its keys in order.
#[derive(Debug)]
pub struct Section {
    /// `server` for `[server]`.
    pub name: &'static str,
    pub(super) groups: &'static [Group],
}

/// Keys that belong together under one comment.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) doc: &'static str,
    pub(super) keys: &'static [Key],
}

impl Section {
    /// The section's keys, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.groups.iter().flat_map(|group| group.keys)
    }
}

/// A section's struct, its `Default`, and its `GROUP` of keys.
///
/// `field: Type as KIND = default` is a key; what follows `with` is no key itself: it has keys of its own.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident at $path:literal, in $($access:ident).+ {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty as $kind:expr, = $default:expr; )+
        }
        $( with { $( $(#[doc = $group_doc:literal])+ $group:ident: $group_type:ty, )+ } )?
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])+ #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")] pub $field: $type, )+
            $( $( $(#[doc = $group_doc])+ pub $group: $group_type, )+ )?
        }
        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ $( $( $group: Default::default(), )+ )? }
            }
        }
        impl $name {
            pub(super) const GROUP: Group = Group { doc: concat!($($about, "\n"),+), keys: Self::KEYS };
            const KEYS: &'static [Key] = &[ $( Key {
                path: concat!($path, ".", stringify!($field)),
                doc: concat!($($doc, "\n"),+),
                plain: $kind.plain,
                set: |draft, value| {
                    ($kind.read)(value).map(|value| Self::in_config_mut(&mut draft.config).$field = value)
                },
                show: |config| ($kind.show)(&Self::in_config(config).$field),
            } ),+ ];
            fn in_config_mut(config: &mut Config) -> &mut Self {
                &mut config.$($access).+
            }
            fn in_config(config: &Config) -> &Self {
                &config.$($access).+
            }
        }
    };
}
pub(super) use section;
