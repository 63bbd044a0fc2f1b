//! A host that other machines may reach: certificates of both sides and tokens, by the binary's own
//! commands.

mod harness;

use harness::{Place, count, tercel, tercel_err, tercel_ok};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;

/// Who signs certificates.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// A new one, whose own certificate is in `NAME.pem`.
    fn new(place: &Place, name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        std::fs::write(place.file(&format!("{name}.pem")), certificate.pem()).expect("writable");
        Authority(Issuer::new(params, key))
    }

    /// Certificate and key of this name, in `NAME.pem` and `NAME.key`.
    fn sign(&self, place: &Place, name: &str) {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        for (end, text) in [("pem", certificate.pem()), ("key", key.serialize_pem())] {
            std::fs::write(place.file(&format!("{name}.{end}")), text).expect("writable");
        }
    }
}

#[test]
fn only_who_has_a_certificate_and_a_token_sees_a_host_that_others_may_reach() {
    let place = Place::new();
    let (servers, clients) = (Authority::new(&place, "servers"), Authority::new(&place, "clients"));
    let strangers = Authority::new(&place, "strangers");
    servers.sign(&place, "localhost");
    clients.sign(&place, "anna");
    strangers.sign(&place, "eve");

    let tokens = place.file("tokens.toml");
    let token = tercel_ok(&["control", "token", "anna", "--role", "viewer", "--tokens", &tokens]);
    let token = token.trim();
    let kept = std::fs::read_to_string(&tokens).expect("made");
    assert!(!kept.contains(token), "a token stands in {tokens}");
    std::fs::write(place.file("token"), token).expect("writable");
    std::fs::write(place.file("wrong"), "x".repeat(token.len())).expect("writable");

    let (_venue, addresses) = place.venue(&["--rate=2000", "--symbols=4"]);
    let config = place.config(&addresses, &["SIM000"], &[]);
    let text = std::fs::read_to_string(&config).expect("readable");
    let open = format!("{text}\n[control]\nlisten = \"0.0.0.0:0\"\n");
    std::fs::write(&config, &open).expect("writable");
    let refused = tercel_err(&["run", "--config", &config]);
    assert!(refused.contains("control.client_ca") && refused.contains("127.0.0.1"), "{refused}");
    let files = [
        ("tokens", "tokens.toml"),
        ("certificate", "localhost.pem"),
        ("key", "localhost.key"),
        ("client_ca", "clients.pem"),
    ];
    let lines = files.map(|(key, file)| format!("{key} = \"{file}\"\n"));
    std::fs::write(&config, open + &lines.concat()).expect("writable");
    let mut host = place.host(&config, "orders.bin");
    host.until("orders", |report| count(report, "sent") > 0);
    let said = host.said();
    let port = said.lines().find_map(|line| line.strip_prefix("control: https://0.0.0.0:"));
    let port = port.expect("it says where").trim_end_matches('/');
    let address = format!("https://localhost:{port}");

    let top = |ca: &str, name: &str, token: &str| {
        let name = |end: &str| place.file(&format!("{name}.{end}"));
        let mut all = vec!["top".to_owned(), address.clone(), "--once".into(), "--json".into()];
        all.extend(["--ca".into(), place.file(ca), "--token-file".into(), place.file(token)]);
        all.extend(["--certificate".into(), name("pem"), "--key".into(), name("key")]);
        tercel(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let seen = top("servers.pem", "anna", "token");
    let errors = String::from_utf8_lossy(&seen.stderr);
    assert!(seen.status.success(), "{errors}");
    let state: Value = serde_json::from_slice(&seen.stdout).expect("JSON");
    assert_eq!(state["status"]["phase"], "trading", "{state}");
    for (ca, name, token, why) in [
        ("servers.pem", "eve", "token", "another authority's certificate"),
        ("strangers.pem", "anna", "token", "a host of another authority"),
        ("servers.pem", "anna", "wrong", "a wrong token"),
    ] {
        let output = top(ca, name, token);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{why}: {errors}");
        assert!(errors.starts_with("tercel: ") && !errors.contains("panicked"), "{why}: {errors}");
    }
    let ca = place.file("servers.pem");
    tercel_err(&["top", &address, "--once", "--ca", &ca, "--token-file", &place.file("token")]);
    host.stop_ok();
}
