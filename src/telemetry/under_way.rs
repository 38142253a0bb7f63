//! What is under way, counted as long as it is: also when whoever waited for it hangs up.

use prometheus::IntGauge;

/// Counts one more until it is dropped.
pub struct UnderWay(&'static IntGauge);

impl UnderWay {
    /// One more from now on.
    pub fn begin(gauge: &'static IntGauge) -> UnderWay {
        gauge.inc();
        UnderWay(gauge)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}
