//! Metrics by name, in the order in which they were reported.

use super::Metric;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Metrics by name, in order: a JSON object that keeps its order. A few hundred at most, so that a
/// search through all is cheap.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Metrics(Vec<(String, Metric)>);

impl Metrics {
    /// Adds a metric, or replaces the one of that name.
    pub fn set(&mut self, name: &str, metric: Metric) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = metric,
            None => self.0.push((name.to_string(), metric)),
        }
    }

    /// The metric of that name.
    pub fn get(&self, name: &str) -> Option<&Metric> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, metric)| metric)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Metric)> {
        self.0.iter().map(|(name, metric)| (name.as_str(), metric))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Metrics, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Metrics;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("metrics by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
                let mut metrics = Metrics::default();
                while let Some((name, metric)) = map.next_entry::<String, Metric>()? {
                    metrics.set(&name, metric);
                }
                Ok(metrics)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
