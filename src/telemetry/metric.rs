//! How a metric is declared once, with its help as a doc comment, and registered; and families of
//! metrics whose labels are looked up by an index, never by a hash. It must not know what is
//! measured.

use std::marker::PhantomData;

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    Opts, Registry,
};

use super::labels::Label;

/// What a metric is made from.
pub struct Declared {
    /// Its full name.
    pub name: &'static str,
    /// What it measures.
    pub help: String,
    /// Its labels, where they are no enumeration.
    pub labels: &'static [&'static str],
    /// The bounds of its buckets, if it is a histogram.
    pub buckets: &'static [f64],
}

impl Declared {
    fn opts(&self) -> Opts {
        Opts::new(self.name, self.help.clone())
    }

    fn histogram(&self) -> HistogramOpts {
        HistogramOpts::from(self.opts()).buckets(self.buckets.to_vec())
    }
}

/// Something that can be registered.
pub trait Metric: Sized {
    /// Makes it and has it told with all others.
    fn register(registry: &Registry, declared: &Declared) -> Self;
}

/// Every name and help is written in the program, so that a fault is seen by the first test.
fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> C {
    let metric = made.expect("a metric's declaration is well formed");
    let told = registry.register(Box::new(metric.clone()));
    told.expect("every metric has a name of its own");
    metric
}

macro_rules! plain {
    ($($type:ident $opts:ident,)*) => {$(
        impl Metric for $type {
            fn register(registry: &Registry, declared: &Declared) -> Self {
                registered(registry, $type::with_opts(declared.$opts()))
            }
        }
    )*};
}

macro_rules! labelled {
    ($($type:ident $opts:ident,)*) => {$(
        impl Metric for $type {
            fn register(registry: &Registry, declared: &Declared) -> Self {
                registered(registry, $type::new(declared.$opts(), declared.labels))
            }
        }
    )*};
}

plain! { IntCounter opts, IntGauge opts, Gauge opts, Histogram histogram, }
labelled! { IntCounterVec opts, GaugeVec opts, HistogramVec histogram, }

/// Metrics of one kind, one for each word of a label.
pub struct By<L, M> {
    each: Vec<M>,
    label: PhantomData<fn(L)>,
}

impl<L: Label, M> By<L, M> {
    /// One for each word.
    pub fn new(each: impl FnMut(L) -> M) -> By<L, M> {
        let each = L::ALL.iter().copied().map(each).collect();
        By {
            each,
            label: PhantomData,
        }
    }

    /// The one of that word.
    #[inline]
    pub fn of(&self, word: L) -> &M {
        &self.each[word.index()]
    }

    /// All of them.
    pub fn each(&self) -> impl Iterator<Item = &M> {
        self.each.iter()
    }
}

impl<L: Label> Metric for By<L, IntCounter> {
    fn register(registry: &Registry, declared: &Declared) -> Self {
        let family = registered(registry, IntCounterVec::new(declared.opts(), &[L::NAME]));
        By::new(|word: L| family.with_label_values(&[word.text()]))
    }
}

impl<L: Label> Metric for By<L, Histogram> {
    fn register(registry: &Registry, declared: &Declared) -> Self {
        let made = HistogramVec::new(declared.histogram(), &[L::NAME]);
        let family = registered(registry, made);
        By::new(|word: L| family.with_label_values(&[word.text()]))
    }
}

impl<A: Label, B: Label> Metric for By<A, By<B, IntCounter>> {
    fn register(registry: &Registry, declared: &Declared) -> Self {
        let labels = [A::NAME, B::NAME];
        let family = registered(registry, IntCounterVec::new(declared.opts(), &labels));
        By::new(|a: A| By::new(|b: B| family.with_label_values(&[a.text(), b.text()])))
    }
}

/// Declares the struct of all metrics. A field's name, after `onhand_`, is the metric's, and its
/// doc comment is the help that Prometheus shows.
macro_rules! metrics {
    (
        $(#[$about:meta])*
        pub struct $name:ident {$(
            $(#[doc = $help:literal])+
            pub $field:ident: $type:ty $([$($label:literal),*])? $(=> $buckets:expr)?,
        )*}
    ) => {
        $(#[$about])*
        pub struct $name {
            $($(#[doc = $help])+ pub $field: $type,)*
        }

        impl $name {
            fn register(registry: &prometheus::Registry) -> $name {
                $name {$(
                    $field: $crate::telemetry::metric::Metric::register(
                        registry,
                        &$crate::telemetry::metric::Declared {
                            name: concat!("onhand_", stringify!($field)),
                            help: concat!($($help),+).trim().to_owned(),
                            labels: &[$($($label),*)?],
                            buckets: {
                                #[allow(unused_variables, reason = "only histograms have some")]
                                let bounds: &'static [f64] = &[];
                                $(let bounds: &'static [f64] = $buckets;)?
                                bounds
                            },
                        },
                    ),
                )*}
            }
        }
    };
}

pub(super) use metrics;
