//! Where routes come from, and how their changes are noticed (ROUTE-50 to ROUTE-57).

use std::fs;
use std::os::unix::fs::symlink;

use holdfast::config::{Options, RoutesSource, Watch, load};

use super::Dir;

const CONF: &str = "[proxy]\nroutesfile=routes\n";

#[test]
fn route_50_the_file_is_beside_the_configuration() {
    let dir = Dir::with_conf(CONF);
    dir.write("routes", "* localhost:1\na.example localhost:2\n");
    let loaded = dir.load().expect("both files are good");
    assert_eq!(loaded.routes, RoutesSource::File(dir.path("routes")));
    assert_eq!(loaded.settings.core.routes.len(), 2);
    assert!(loaded.watch.is_some());
}

#[test]
fn route_7_bad_lines_are_skipped_and_named() {
    let dir = Dir::with_conf(CONF);
    dir.write("routes", "* localhost:1\n\"\n* \n");
    let loaded = dir.load().expect("bad routes do not keep from starting");
    assert_eq!(loaded.settings.core.routes.len(), 1);
    let places: Vec<_> = loaded.warnings.iter().map(|line| line.contains("routes:")).collect();
    assert_eq!(places, [true, true], "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("routes:2: ") && loaded.warnings[1].contains("routes:3: "));
}

#[test]
fn a_missing_file_is_warned_of_and_waited_for() {
    let dir = Dir::with_conf(CONF);
    let loaded = dir.load().expect("the proxy starts without");
    assert!(loaded.settings.core.routes.is_empty());
    assert!(loaded.warnings[0].contains("proxy.routesfile"), "{:?}", loaded.warnings);
    let mut watch = loaded.watch.expect("it may come");
    dir.write("routes", "* localhost:1\n");
    assert!(notices(&mut watch));
    let (table, complaints) = loaded.routes.load().expect("it has come");
    assert_eq!((table.len(), complaints.len()), (1, 0));
}

#[test]
fn route_57_lines_replace_the_file_entirely() {
    let dir = Dir::with_conf(CONF);
    dir.write("routes", "\"");
    let lines = vec!["* localhost:1".to_owned(), "a.example".to_owned()];
    let loaded = load(&Options { routes: lines, ..dir.options() }).expect("the lines are enough");
    assert_eq!(loaded.settings.core.routes.len(), 1);
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].starts_with("<route>:2: "), "{:?}", loaded.warnings);
    assert!(loaded.watch.is_none());
}

#[test]
fn route_51_every_kind_of_change_is_noticed_once() {
    let dir = Dir::new();
    dir.write("routes", "one");
    let mut watch = Watch::new(&dir.path("routes"));
    assert!(!notices(&mut watch), "nothing has happened");

    dir.write("routes", "longer");
    assert!(notices(&mut watch), "written");
    dir.write("new", "lonGer");
    fs::rename(dir.path("new"), dir.path("routes")).expect("a file can be renamed");
    assert!(notices(&mut watch), "renamed over");
    fs::remove_file(dir.path("routes")).expect("a file can be removed");
    assert!(notices(&mut watch), "removed");
    dir.write("routes", "one");
    assert!(notices(&mut watch), "created");
    assert!(!notices(&mut watch), "nothing has happened since");
}

#[test]
fn route_51_a_writer_is_given_until_the_next_look() {
    let dir = Dir::new();
    dir.write("routes", "");
    let mut watch = Watch::new(&dir.path("routes"));
    dir.write("routes", "half");
    assert!(!watch.changed(), "just begun");
    dir.write("routes", "half and half");
    assert!(watch.changed(), "the first change is a look old");
    assert!(watch.changed(), "and so is the second now");
    assert!(!watch.changed());
}

#[test]
fn route_55_a_link_that_points_elsewhere_is_noticed() {
    let dir = Dir::new();
    for name in ["a", "b"] {
        fs::create_dir(dir.path(name)).expect("a directory can be made");
        dir.write(&format!("{name}/routes"), name);
    }
    symlink("a", dir.path("now")).expect("a link can be made");
    let mut watch = Watch::new(&dir.path("now/routes"));
    assert!(!notices(&mut watch));
    symlink("b", dir.path("next")).expect("a link can be made");
    fs::rename(dir.path("next"), dir.path("now")).expect("a link can be renamed");
    assert!(notices(&mut watch));
}

/// Two looks, the second of which tells what the first has seen.
fn notices(watch: &mut Watch) -> bool {
    let early = watch.changed();
    assert!(!early, "a change was told at once");
    watch.changed()
}
