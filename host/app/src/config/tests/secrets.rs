//! Passwords: three forms, and shown nowhere.

use super::*;

#[test]
fn a_password_is_given_in_exactly_one_form_and_an_upper_layer_chooses_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2\n").expect("written");
    let at = folder.path().join("host.toml");
    let by_file = flags(&["orders.password_file=secret"]);
    let config = Config::assemble(&at, DEFAULT, &by_file).expect("right");
    assert_eq!(config.orders_password().expect("right"), *b"hunter2   ");
    // PATH is the one variable that is always there, and it is too long.
    let by_variable = flags(&["orders.password_env=PATH"]);
    let config = Config::assemble(&at, DEFAULT, &by_variable).expect("right");
    let error = config.orders_password().expect_err("too long").to_string();
    assert!(error.contains("orders.password_env") && error.contains("at most 10"), "{error}");
    let cases = [
        ("password = \"demo\" ", "password_env = \"NO_SUCH_VARIABLE\" ", "NO_SUCH_VARIABLE"),
        ("password = \"demo\"  ", "password_file = \"no_such_file\" ", "no_such_file"),
    ];
    for (from, to, wanted) in cases {
        let from = format!("username = \"TERCEL\"              # at most 6 characters\n{from}");
        let to = format!("username = \"TERCEL\"\n{to}");
        let told = problems(&replaced(&from, &to), &Overrides::default());
        assert!(told.len() == 1 && told[0].contains(wanted), "{told:?}");
    }
    let two = flags(&["orders.password_file=a", "orders.password_env=B"]);
    let told = problems(DEFAULT, &two);
    assert!(told[0].contains("only one of orders.password"), "{told:?}");
    let none = replaced("password = \"demo\"                # at most 10", "# at most 10");
    let told = problems(&none, &Overrides::default());
    assert!(told.len() == 1 && told[0].contains("set one of orders.password"), "{told:?}");
}

#[test]
fn a_password_file_that_everybody_reads_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2\n").expect("written");
    let at = folder.path().join("host.toml");
    for (mode, count) in [(0o644, 1), (0o600, 0)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&file, permissions).expect("set");
        let overrides = flags(&["orders.password_file=secret"]);
        let config = Config::assemble(&at, DEFAULT, &overrides).expect("right");
        let warnings = config.warnings();
        assert_eq!(warnings.len(), count, "{warnings:?}");
        assert!(warnings.iter().all(|one| one.contains("chmod 600") && !one.contains("hunter2")));
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let secret = "hunter2";
    let texts = [
        DEFAULT.replace("\"demo\"", "\"hunter2\""),
        DEFAULT.replace("\"demo\"", "\"hunter2 and more than ten\""),
        DEFAULT.replace("\"demo\"", "[\"hunter2\"]"),
        DEFAULT.replace("\"demo\"", "{ hunter2 = \"hunter2\" }").replace("hunter2 =", "x ="),
        DEFAULT.replace("\"demo\"", "\"hunter2"),
        DEFAULT.replace("\"demo\"", "\"\"\"\nhunter2=hunter2"),
        DEFAULT.replace("password = \"demo\"", "pasword = \"hunter2\""),
        DEFAULT.replace("password = \"demo\"", "passwort = \"hunter2\""),
        DEFAULT.replace("password = \"demo\"", "password = \"hunter2\"\npassword = \"hunter2\""),
    ];
    for text in texts {
        for told in problems(&text, &Overrides::default()) {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let variable = variables(&[("TERCEL__ORDERS__PASSWORD", "hunter2")]);
    let config = Config::assemble(Path::new("host.toml"), DEFAULT, &variable).expect("right");
    assert_eq!(config.orders_password().expect("right"), *b"hunter2   ");
    let old = parse(DEFAULT);
    let shown: String = config
        .effective()
        .iter()
        .map(|one| format!("{one:?}{}{}", one.text(), one.json(config.file())))
        .collect();
    let changes = Config::difference(&old, &config);
    let values = &config.values;
    let all =
        format!("{shown}{changes:?}{values:?}{}", serde_json::to_string(&changes).expect("JSON"));
    assert!(all.contains("<hidden>") && !all.contains(secret), "{all}");
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&changes[0].key[..], changes[0].takes), ("orders.password", Reload::Restart));
}
