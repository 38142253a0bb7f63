//! What the operator sees: logs, and the metrics beside them. It uses nothing of ours but the
//! clock's stopwatch, so that everything else may use it.

mod counting;
pub mod labels;
mod local;
pub mod logging;
mod metric;
mod metrics;
mod shape;
pub mod sketch;
pub mod timed;
pub mod timings;
mod trace;
mod under_way;
pub mod window;

pub use counting::{choose_counting, is_counting};
pub use local::{Local, flush, keep_flushed, local};
pub use metric::By;
pub use metrics::{Metrics, exposition, metrics};
pub use shape::Shape;
pub use trace::Trace;
pub use under_way::UnderWay;
