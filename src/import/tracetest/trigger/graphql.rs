//! GraphQL operations.

use std::collections::BTreeMap;

use super::{Converter, Trigger, looks_like_path};
use crate::import::http_request::fields;
use crate::import::tracetest::subject::ResponseKind;
use crate::import::{Content, Map, Node, Written};

impl Converter<'_> {
    pub(super) fn graphql(&mut self, node: &Node) -> Option<Trigger> {
        let body = node.get("body").unwrap_or(node);
        let (Some(url), Some(query)) = (self.text_of(node, "url"), body.get("query")) else {
            self.import
                .remarks
                .lost(&node.at, "the trigger has no `url` or no `query`");
            return None;
        };
        self.verification(node, &url);
        let written = query.text().unwrap_or_default();
        if looks_like_path(written)
            && let Err(reason) = self.files.read(&query.at, written)
        {
            let text =
                format!("the query {written} is not read ({reason}), and the test is not imported");
            self.import.remarks.lost(&query.at, text);
            return None;
        }
        let mut map = Map::new();
        map.put("url", url);
        map.put("query", self.content(query));
        if let Some(operation) = self
            .text_of(body, "operationName")
            .filter(|name| !name.is_empty())
        {
            map.put("operation", operation);
        }
        if let Some(variables) = body
            .get("variables")
            .filter(|node| !node.entries().is_empty())
        {
            let value = self.value(variables);
            map.put("variables", value);
        }
        let mut headers = self.pairs(node.get("headers"));
        headers.retain(|(name, value)| {
            !(name.eq_ignore_ascii_case("content-type") && value.starts_with("application/json"))
        });
        if !headers.is_empty() {
            map.put("headers", fields(&headers, str::eq_ignore_ascii_case));
        }
        self.left_out_login(node, "headers: { Authorization: … }");
        self.import.remarks.note(
            &node.at,
            "`graphql_errors: 0` is implied: Tracetest accepts a response with errors",
        );
        Some(Trigger {
            key: "graphql",
            value: map.into(),
            response: ResponseKind::GraphQl,
            names: BTreeMap::new(),
        })
    }

    /// A value of YAML, with variables in its texts.
    fn value(&mut self, node: &Node) -> Written {
        match &node.content {
            Content::Null => Written::Syntax("null".to_owned()),
            Content::Scalar { text, is_plain } => {
                let is_typed = matches!(text.as_str(), "true" | "false")
                    || crate::trace::Value::number(text).is_some();
                match *is_plain && is_typed {
                    true => Written::Syntax(text.clone()),
                    false => Written::Text(self.text(node)),
                }
            }
            Content::List(items) => {
                let items: Vec<Written> = items.iter().map(|item| self.value(item)).collect();
                items.into()
            }
            Content::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    map.put(key.text().unwrap_or_default(), self.value(value));
                }
                map.into()
            }
        }
    }
}
