//! Spans of a PostgreSQL client.
//!
//! There is no database: the shop keeps its data in memory.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use tokio::time::sleep;

use crate::call::Call;

/// Simulated duration of a query.
const ROUND_TRIP: Duration = Duration::from_millis(1);

/// A statement; operation and table are the name of its span.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) operation: &'static str,
    pub(crate) table: &'static str,
    pub(crate) text: &'static str,
}

impl Statement {
    /// Runs `work` in the CLIENT span of this statement.
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
