//! A histogram as a document shows it. It must not know what was measured.

use prometheus::Histogram;
use prometheus::core::Metric;

/// What a histogram holds since the process began.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Shape {
    /// How often it was measured.
    pub count: u64,
    /// The sum of all that was measured.
    pub sum: f64,
    /// For each bound, how many were at or below it.
    pub buckets: Vec<(f64, u64)>,
}

impl Shape {
    /// The shape of a histogram now.
    pub fn of(histogram: &Histogram) -> Shape {
        let told = histogram.metric();
        let told = told.get_histogram();
        let bucket = |bucket: &prometheus::proto::Bucket| {
            let (bound, count) = (bucket.upper_bound(), bucket.cumulative_count());
            (bound, count)
        };
        let buckets = told.get_bucket().iter().map(bucket);
        Shape {
            count: told.get_sample_count(),
            sum: told.get_sample_sum(),
            // The last has no bound, which JSON cannot say.
            buckets: buckets.filter(|(bound, _)| bound.is_finite()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus::HistogramOpts;

    use super::*;

    #[test]
    fn a_shape_counts_what_is_at_or_below_each_bound() {
        let opts = HistogramOpts::new("sizes", "Sizes.").buckets(vec![1.0, 10.0]);
        let histogram = Histogram::with_opts(opts).unwrap();
        for size in [0.5, 1.0, 5.0, 50.0] {
            histogram.observe(size);
        }
        let shape = Shape {
            count: 4,
            sum: 56.5,
            buckets: vec![(1.0, 2), (10.0, 3)],
        };
        assert_eq!(Shape::of(&histogram), shape);
    }
}
