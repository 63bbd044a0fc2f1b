//! Layers against a naive oracle.

use super::*;
use crate::config::key;
use crate::config::layers::Origin;
use proptest::prelude::*;
use toml::Table;

/// A key of the property test: as a flag, as a variable, as it stands, and what it may be.
const KEYS: [(&str, &str, &str, &[&str]); 8] = [
    ("quote.order_qty", "QUOTE__ORDER_QTY", "quote.order_qty", &["1", "2", "3"]),
    ("Risk.Account.Gross-Max", "RISK__ACCOUNT__GROSS_MAX", "risk.account.gross_max", &["7", "8"]),
    (
        "strategy.avellaneda_stoikov.gamma",
        "STRATEGY__AVELLANEDA_STOIKOV__GAMMA",
        "strategy.avellaneda-stoikov.gamma",
        &["0.5", "1.5", "2.5"],
    ),
    ("host.core", "HOST__CORE", "host.core", &["0", "1"]),
    ("feed.session", "feed__Session", "feed.session", &["\"a\"", "\"1\"", "\"true\""]),
    ("quote.post_only", "QUOTE__POST_ONLY", "quote.post_only", &["true", "false"]),
    (
        "instrument[SIM001].risk.position_max",
        "INSTRUMENT__1__RISK__POSITION_MAX",
        "instrument[1].risk.position_max",
        &["10", "20"],
    ),
    ("instrument[0].order_qty", "INSTRUMENT__SIM000__ORDER_QTY", "instrument[0].order_qty", &["5"]),
];

/// What the layers say of a key: the file, the environment, the flags in their order.
type Said = (Option<usize>, Option<usize>, Vec<usize>);

proptest! {
    /// The oracle: the last flag, else the variable, else the file, else nothing.
    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file(
        said in prop::collection::vec(
            (
                prop::option::of(0..3usize),
                prop::option::of(0..3usize),
                prop::collection::vec(0..3usize, 0..3),
            ),
            KEYS.len(),
        )
    ) {
        let mut file: Table = toml::from_str(DEFAULT).expect("TOML");
        let (mut environment, mut flags) = (Vec::new(), Vec::new());
        for (one, (in_file, in_variable, in_flags)) in KEYS.iter().zip(&said) {
            let (flag, variable, key, values) = one;
            let text = |at: &usize| values[at % values.len()];
            let value = |at: &usize| toml::from_str::<Table>(&format!("v = {}", text(at)))
                .expect("TOML")["v"].clone();
            if let Some(at) = in_file {
                key::set(&mut file, key, value(at));
            }
            let bare = |at: &usize| text(at).trim_matches('"').to_string();
            let named = |at| (format!("TERCEL__{variable}"), bare(at));
            environment.extend(in_variable.iter().map(named));
            flags.extend(in_flags.iter().map(|at| format!("{flag}={}", bare(at))));
        }
        let text = toml::to_string(&file).expect("TOML");
        let overrides = Overrides::new(&environment, &flags);
        let config = Config::assemble(Path::new("host.toml"), &text, &overrides);
        let config = config.expect("right");
        for ((_, _, key, values), (in_file, in_variable, in_flags)) in KEYS.iter().zip(&said) {
            let said: &Said = &(*in_file, *in_variable, in_flags.clone());
            let winner = said.2.last().copied().or(said.1).or(said.0);
            let expected = match winner {
                Some(at) => toml::from_str::<Table>(&format!("v = {}", values[at % values.len()]))
                    .expect("TOML").remove("v"),
                None => key::get(&file, key).cloned(),
            };
            let found = key::get(&config.layers.table, key).cloned();
            prop_assert_eq!(&found, &expected, "{}", key);
            let entry = config.effective().into_iter().find(|entry| entry.key == *key);
            let entry = entry.expect("every key is listed");
            match (said.2.last(), said.1, expected) {
                (Some(_), ..) => prop_assert!(matches!(entry.origin, Origin::Flag(_))),
                (_, Some(_), _) => prop_assert!(matches!(entry.origin, Origin::Environment(_))),
                (.., Some(_)) => prop_assert!(matches!(entry.origin, Origin::File(_))),
                _ => prop_assert!(!entry.is_set()),
            }
        }
    }
}
