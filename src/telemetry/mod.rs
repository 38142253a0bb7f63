//! What the operator sees: logs, and the metrics beside them. It uses nothing of ours, so that
//! everything else may use it.

pub mod logging;
