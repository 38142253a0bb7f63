//! Backups that are not whole, places that are not free, clients that stall: each is told for
//! what it is, with an exit code that is not zero, and leaves nothing half done.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::backup::{backup, done, restore, value};
use crate::client::Client;
use crate::server::{ADMIN, DataDir, Server, Start, onhand, run, verify};

/// A small backup, and the folder it lies in.
fn small() -> (DataDir, PathBuf) {
    let data = DataDir::new();
    let mut server = Server::start(&data.path);
    let client = server.client();
    client.put(
        "/v1/locations/malmo",
        &json!({"name": "Malmö", "kind": "store"}),
    );
    client.put("/v1/items/clogs", &json!({"name": "Red clogs"}));
    let receipt = json!({"id": "r", "type": "receipt", "sku": "clogs", "location": "malmo",
        "quantity": 10});
    client.post("/v1/movements", &json!({"movements": [receipt]}));
    let file = data.path.with_file_name("copy");
    done(&backup(&server, &file, &[]));
    server.stop();
    (data, file)
}

/// What a command said that must have failed.
#[track_caller]
fn refused(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.starts_with("error: "), "{told}");
    told
}

fn check(file: &Path) -> Output {
    run(&["restore", "--check", file.to_str().unwrap()])
}

/// Neither `--check` nor a restore takes it, both say why, and nothing is left behind.
#[track_caller]
fn useless(folder: &DataDir, bytes: &[u8], why: &str) {
    let file = folder.path.with_file_name("bad");
    fs::write(&file, bytes).unwrap();
    let told = refused(&check(&file));
    assert!(told.contains(why), "{told}");
    let data = folder.path.with_file_name("restored");
    let told = refused(&restore(&file, &data));
    assert!(
        told.contains(why) && told.contains("nothing was restored"),
        "{told}"
    );
    assert!(!data.exists(), "{told}");
}

#[test]
fn a_backup_that_is_not_whole_is_told_by_what_is_wrong_with_it() {
    let (folder, file) = small();
    let copy = fs::read(&file).unwrap();
    let told = done(&check(&file));
    assert!(told.contains("the backup is whole"), "{told}");
    for length in [
        0,
        5,
        8,
        12,
        20,
        copy.len() / 2,
        copy.len() - 60,
        copy.len() - 1,
    ] {
        useless(&folder, &copy[..length], "was cut short");
    }
    for at in [
        13,
        30,
        copy.len() / 3,
        copy.len() / 2,
        copy.len() - 9,
        copy.len() - 1,
    ] {
        let mut flipped = copy.clone();
        flipped[at] ^= 0x10;
        useless(&folder, &flipped, "is damaged");
    }
    useless(
        &folder,
        &[&copy[..], b"\n"].concat(),
        "something follows it",
    );
    useless(
        &folder,
        &[&copy[..], &copy[..]].concat(),
        "something follows it",
    );
    useless(&folder, b"sku,location,on_hand\n", "not a backup");
    let mut later = copy.clone();
    later[8] = 9;
    useless(&folder, &later, "format 9");

    let absent = refused(&check(&folder.path.with_file_name("absent")));
    assert!(absent.contains("absent"), "{absent}");
}

#[test]
fn a_directory_with_anything_in_it_is_not_restored_into() {
    let (folder, file) = small();
    let told = refused(&restore(&file, &folder.path));
    assert!(told.contains("not empty"), "{told}");
    verify(&folder.path);

    let strange = folder.path.with_file_name("strange");
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join("letter"), "mine").unwrap();
    let told = refused(&restore(&file, &strange));
    assert!(told.contains("letter"), "{told}");
    let names: Vec<_> = fs::read_dir(&strange).unwrap().collect();
    assert_eq!(names.len(), 1);

    // A mounted volume is empty but for this.
    let volume = folder.path.with_file_name("volume");
    fs::create_dir_all(volume.join("lost+found")).unwrap();
    done(&restore(&file, &volume));
    verify(&volume);
    let again = refused(&restore(&file, &volume));
    assert!(again.contains("not empty"), "{again}");
}

#[test]
fn a_backup_replaces_a_file_only_when_told_to_and_only_by_a_whole_one() {
    let (folder, file) = small();
    let server = Server::start(&folder.path);
    fs::write(&file, "precious").unwrap();
    let told = refused(&backup(&server, &file, &[]));
    assert!(told.contains("--force"), "{told}");

    let nowhere = ["--force", "--url", "http://127.0.0.1:1"];
    let lost = run(&[
        &["backup", file.to_str().unwrap(), "--token", ADMIN],
        &nowhere[..],
    ]
    .concat());
    refused(&lost);
    assert_eq!(fs::read(&file).unwrap(), b"precious");

    let told = done(&backup(&server, &file, &["--force"]));
    assert_eq!(value(&told, "backup"), file.to_str().unwrap());
    done(&check(&file));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(!file.with_file_name("copy.part").exists());

    let reader = server.client().post(
        "/v1/tokens",
        &json!({"name": "Reader",
        "scopes": ["stock:read", "events:read"]}),
    );
    let token = reader["token"].as_str().unwrap();
    let other = file.with_file_name("other");
    let arguments = [
        "backup",
        other.to_str().unwrap(),
        "--url",
        &server.url,
        "--token",
        token,
    ];
    let told = refused(&run(&arguments));
    assert!(
        told.contains("403 forbidden") && told.contains("admin"),
        "{told}"
    );
    assert!(!other.exists() && !other.with_file_name("other.part").exists());
}

#[test]
fn only_a_regular_file_is_replaced() {
    let (folder, file) = small();
    let server = Server::start(&folder.path);
    let (link, pipe) = (file.with_file_name("link"), file.with_file_name("pipe"));
    fs::write(&file, "precious").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for special in [&link, &pipe, &folder.path] {
        let before = fs::symlink_metadata(special).unwrap().file_type();
        let told = refused(&backup(&server, special, &["--force"]));
        assert!(told.contains("no regular file"), "{told}");
        assert_eq!(fs::symlink_metadata(special).unwrap().file_type(), before);
    }
    let told = refused(&backup(&server, &pipe, &["--force"]));
    assert!(told.contains("give - "), "{told}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
}

#[test]
fn what_lies_where_a_backup_is_written_first_is_never_written_through() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, file) = small();
    let server = Server::start(&folder.path);
    let (new, part) = (file.with_file_name("new"), file.with_file_name("new.part"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    // Left by a backup that was killed, or by somebody who wants to read the next one.
    fs::write(&part, "old").unwrap();
    fs::set_permissions(&part, fs::Permissions::from_mode(0o666)).unwrap();
    done(&backup(&server, &new, &[]));
    assert_eq!(mode(&new), 0o600);
    done(&check(&new));

    fs::remove_file(&new).unwrap();
    fs::write(&file, "precious").unwrap();
    std::os::unix::fs::symlink(&file, &part).unwrap();
    let told = refused(&backup(&server, &new, &["--force"]));
    assert!(
        told.contains("new.part") && told.contains("no regular file"),
        "{told}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    assert!(part.is_symlink() && !new.exists());
}

#[test]
fn a_backup_can_be_piped_out_and_in() {
    let (folder, _) = small();
    let server = Server::start(&folder.path);
    let piped = backup(&server, Path::new("-"), &[]);
    assert!(piped.status.success());
    let told = String::from_utf8_lossy(&piped.stderr);
    assert!(told.contains("position"), "{told}");

    let data = folder.path.with_file_name("restored");
    let mut restoring = onhand();
    restoring.args(["restore", "-", "--data-dir", data.to_str().unwrap()]);
    restoring.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut restoring = restoring.spawn().unwrap();
    restoring
        .stdin
        .take()
        .unwrap()
        .write_all(&piped.stdout)
        .unwrap();
    assert!(restoring.wait().unwrap().success());
    verify(&data);
}

/// A limit on the size of files stands for a full disk: both come as an error of a write.
#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let (folder, file) = small();
    let limited = |arguments: &[&str]| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]);
        shell
            .arg(onhand().get_program())
            .args(arguments)
            .env_remove("ONHAND_DATA_DIR");
        refused(&shell.output().unwrap())
    };
    let data = folder.path.with_file_name("restored");
    let told = limited(&[
        "restore",
        file.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ]);
    assert!(told.contains("has room for"), "{told}");
    assert!(!data.exists());

    let server = Server::start(&folder.path);
    let other = folder.path.with_file_name("other");
    let to = other.to_str().unwrap();
    let told = limited(&["backup", to, "--url", &server.url, "--token", ADMIN]);
    assert!(
        told.contains("cannot write") && told.contains("nothing was kept"),
        "{told}"
    );
    assert!(!other.exists() && !other.with_file_name("other.part").exists());
}

/// Items that make a backup larger than what sockets hold.
fn fill(client: &Client) {
    let text = "x".repeat(200);
    let attributes: Value = (0..4).map(|n| (format!("a{n}"), json!(text))).collect();
    for batch in 0..24 {
        let items = (0..900).map(|n| {
            json!({"sku": format!("sku-{batch}-{n}"), "name": "Filler", "attributes": attributes})
        });
        let items: Vec<Value> = items.collect();
        client.post("/v1/items/batch", &json!({"items": items}));
    }
}

/// Asks for a backup and takes no more of it than the head of the answer.
fn stalled(server: &Server) -> TcpStream {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/backup HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {ADMIN}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream
}

#[test]
fn one_backup_at_a_time_and_whoever_stalls_is_dropped() {
    let data = DataDir::new();
    let mut server = Start::on(&data.path)
        .with("ONHAND_HTTP_BACKUP_STALL_SECONDS_MAX", "2")
        .with("ONHAND_HTTP_STOP_SECONDS_MAX", "2")
        .run();
    let client = server.client();
    fill(&client);
    let mut first = stalled(&server);
    let second = client.send("POST", "/v1/backup", &[], None).unwrap();
    assert_eq!((second.status, second.code()), (409, "backup_in_progress"));
    assert!(!second.header("retry-after").is_empty());
    let file = data.path.with_file_name("copy");
    let told = refused(&backup(&server, &file, &[]));
    assert!(told.contains("409 backup_in_progress"), "{told}");

    // The first is dropped in the end, and the next is served.
    let taken = (0..30).find_map(|_| {
        client.read("/v1/events?after=latest&wait_seconds=1");
        let taken = backup(&server, &file, &[]);
        taken.status.success().then_some(taken)
    });
    done(&taken.expect("the one who stalls keeps all others waiting"));
    done(&check(&file));
    let mut rest = Vec::new();
    let ended = first.read_to_end(&mut rest);
    let broken_off = ended.is_err() || !rest.ends_with(b"0\r\n\r\n");
    assert!(broken_off, "the stalled backup looks finished");

    // Who stalls does not keep the service from stopping.
    let _third = stalled(&server);
    server.stop();
    verify(&data.path);
}
