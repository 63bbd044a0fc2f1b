//! Pages, tables and files of made-up runs.

use super::*;
use crate::ledger::Ledger;
use fills::RunFills;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = html::page(&sample::report(&["one"], 1, 60));
    assert!(page.contains("default-src 'none'"));
    // The library names its home in a comment.
    let page = page.replace("https://github.com/leeoniya/uPlot", "");
    for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("Copyright (c) 2022 Leon Sorokin"), "the licence asks for it");
}

#[test]
fn data_cannot_leave_its_element() {
    let evil = "</script><script>alert(1)</script><!--{{script}}{{data}} & \u{2028}";
    let mut report = sample::report(&[evil], 1, 60);
    report.notes.push(evil.into());
    report.settings.insert(evil.into(), evil.into());
    let page = html::page(&report);
    assert!(!page.contains("<script>alert"));
    let ends = include_str!("page/page.html").matches("</script>").count();
    assert_eq!(page.matches("</script>").count(), ends);
    let data = page.split_once("type=\"application/json\">").unwrap().1;
    let data: serde_json::Value =
        serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(data["notes"][0], evil);
    assert_eq!(data["runs"][0]["strategy"], evil);
}

#[test]
fn the_page_holds_every_plot() {
    let page = html::page(&sample::report(&["one", "two"], 2, 120));
    let data = page.split_once("type=\"application/json\">").unwrap().1;
    let data: serde_json::Value =
        serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(data["runs"].as_array().unwrap().len(), 6);
    let plots = &data["runs"][0]["plots"];
    let len = |value: &serde_json::Value| value.as_array().unwrap().len();
    let points = len(&plots["account"]["seconds"]);
    assert!(points > 100);
    for column in ["equity", "drawdown", "net"] {
        assert_eq!(len(&plots["account"][column]), points);
    }
    assert!(len(&plots["instruments"][0]["fills"]) > 10);
    assert!(len(&plots["instruments"][0]["position"]) > 10);
    let waits = plots["waits"]["fills"].as_array().unwrap();
    let waited: u64 = waits.iter().map(|bin| bin.as_u64().unwrap()).sum();
    assert_eq!(waited, data["runs"][0]["metrics"]["orders"]["maker_fills"].as_u64().unwrap());
    // Several days have a curve and no prices.
    assert_eq!(len(&data["runs"][2]["plots"]["instruments"]), 0);
    assert!(len(&data["runs"][2]["plots"]["account"]["seconds"]) > points);
}

#[test]
fn a_table_has_every_strategy_and_no_nan() {
    let names = ["glft", "fixed-spread half=1", "a", "b", "c"];
    let report = sample::report(&names, 2, 60);
    let text = table::text(&report);
    for name in names {
        assert!(text.contains(name), "{text}");
    }
    assert!(text.contains("day-1.itch") && text.contains("adverse selection"), "{text}");
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    let empty = table::text(&Report::default());
    assert!(!empty.contains("NaN"));
}

/// A run in which nothing happened has figures, none of them NaN.
#[test]
fn nothing_happened() {
    let ledger = Ledger::new(Vec::new());
    let settings = crate::metrics::Settings { year_s: 1.0, horizon: crate::attribution::HORIZON };
    let measured = crate::metrics::measure(&[&ledger], &settings).unwrap();
    let plots = Some(plots::Plots::of(&[&ledger], &measured));
    let run = Run { strategy: "s".into(), data: "d".into(), metrics: measured.metrics, plots };
    let json = serde_json::to_value(&run).unwrap();
    for key in ["net_bps", "sharpe", "sortino", "calmar", "deflated_sharpe", "gross_mean_dollars"] {
        assert!(json["metrics"][key].is_null(), "{key}");
    }
    let report = Report { runs: vec![run], ..Report::default() };
    assert!(table::text(&report).contains("n/a"));
    assert!(!html::page(&report).contains("NaN,"));
}

#[test]
fn every_fill_is_read_back() {
    let ledgers = [sample::ledger(1, 300), sample::ledger(2, 200)];
    let runs: Vec<RunFills<'_>> = ledgers
        .iter()
        .zip(["monday", "tuesday"])
        .map(|(ledger, data)| RunFills { strategy: "glft", data, ledger })
        .collect();
    let mut bytes = Vec::new();
    fills::write(&mut bytes, &runs).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|one| one.name().into()).collect();
    let written = runs.iter().flat_map(|run| run.ledger.fills.iter().map(move |fill| (run, fill)));
    let mut rows = reader.get_row_iter(None).unwrap();
    let mut unknown = 0;
    for (run, fill) in written {
        let row = rows.next().unwrap().unwrap();
        let at = |name: &str| names.iter().position(|one| one == name).unwrap();
        let whole = |name: &str| row.get_long(at(name)).unwrap();
        let real = |name: &str| row.get_double(at(name)).unwrap();
        let text = |name: &str| row.get_string(at(name)).unwrap().as_str();
        assert_eq!((text("strategy"), text("data")), ("glft", run.data));
        assert_eq!(text("symbol"), "MADEUP");
        assert_eq!(whole("time_ns"), fill.time.0 as i64);
        assert_eq!(text("side"), if fill.side.sign() > 0 { "B" } else { "S" });
        assert_eq!((whole("price_raw"), whole("quantity_raw")), (fill.price.0, fill.qty.0.into()));
        assert_eq!((whole("price_units"), whole("lots"), whole("multiplier")), (10_000, 1_000, 1));
        assert_eq!(real("price"), fill.price.0 as f64 / 10_000.0);
        assert_eq!(real("quantity"), f64::from(fill.qty.0) / 1_000.0);
        assert_eq!((whole("fee_e6"), whole("mid_x2_raw")), (fill.fee, fill.mid_x2));
        assert_eq!(real("mid"), fill.mid_x2 as f64 / 20_000.0);
        assert_eq!(real("touch"), fill.touch.0 as f64 / 10_000.0);
        assert_eq!(row.get_bool(at("maker")).unwrap(), fill.maker);
        assert_eq!(whole("queue_ahead_raw"), fill.queue_ahead as i64);
        assert_eq!(whole("entered_ns"), fill.entered.0 as i64);
        assert_eq!(whole("user_ref"), i64::from(fill.user_ref.0));
        let later = fill.time.0 + 1_000_000_000;
        match row.get_double(at("markout_1s")) {
            Ok(markout) => {
                let mids = &run.ledger.mids[0];
                let mid_x2 = mids.iter().rev().find(|mid| mid.time.0 <= later).unwrap().mid_x2;
                let wanted = mid_x2 as f64 / 2e4 - fill.price.0 as f64 / 1e4;
                assert!((markout - wanted * fill.side.sign() as f64).abs() < 1e-9);
            }
            Err(_) => {
                assert!(later > run.ledger.span.1.0);
                unknown += 1;
            }
        }
    }
    assert!(rows.next().is_none());
    assert!(unknown > 0, "the last fills have no later mid");
}

/// A file of no fills is a file.
#[test]
fn no_fills() {
    let mut bytes = Vec::new();
    fills::write(&mut bytes, &[]).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}
