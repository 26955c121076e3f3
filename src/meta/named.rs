//! JSON Schema of enumerations with a text form.

/// Implements `JsonSchema` for an enumeration with `ALL` and `as_str`.
macro_rules! named {
    ($name:ident) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let names: Vec<_> = Self::ALL.iter().map(|it| it.as_str()).collect();
                schemars::json_schema!({"type": "string", "enum": names})
            }
        }
    };
}
pub(crate) use named;
