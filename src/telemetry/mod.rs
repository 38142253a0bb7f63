//! What the operator sees: logs, and the metrics beside them. It uses nothing of ours, so that
//! everything else may use it.

pub mod labels;
mod local;
pub mod logging;
mod metric;
mod metrics;
mod under_way;

pub use local::{Local, flush, keep_flushed, local};
pub use metric::By;
pub use metrics::{Metrics, exposition, metrics};
pub use under_way::UnderWay;
