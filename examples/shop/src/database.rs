//! Database calls as a trace shows them.
//!
//! There is no database: the shop keeps what it knows in memory. The spans are those of a
//! PostgreSQL client, so that specs about databases have something to look at.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use tokio::time::sleep;

use crate::call::Call;

/// What a query to a database nearby costs.
const ROUND_TRIP: Duration = Duration::from_millis(1);

/// A statement and its two words for the span's name.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) operation: &'static str,
    pub(crate) table: &'static str,
    pub(crate) text: &'static str,
}

impl Statement {
    /// Does `work` in the CLIENT span of this statement.
    pub(crate) async fn run<T>(&self, call: &Call, work: impl FnOnce() -> T) -> T {
        let _span = call.start(self.summary(), SpanKind::Client, self.attributes());
        sleep(ROUND_TRIP).await;
        work()
    }

    fn summary(&self) -> String {
        format!("{} {}", self.operation, self.table)
    }

    fn attributes(&self) -> [KeyValue; 6] {
        [
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.namespace", "shop"),
            KeyValue::new("db.operation.name", self.operation),
            KeyValue::new("db.collection.name", self.table),
            KeyValue::new("db.query.summary", self.summary()),
            KeyValue::new("db.query.text", self.text),
        ]
    }
}
