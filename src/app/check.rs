//! Whether this machine has what a configuration asks for: certificates that load, a data
//! directory that can be one, addresses that are free. Changes nothing and starts nothing.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::listen;
use crate::config::Config;

/// What a look at the machine gave.
#[derive(Debug, Default)]
pub struct Checked {
    /// Why the service would not start.
    pub faults: Vec<String>,
    /// What may or may not be meant.
    pub remarks: Vec<String>,
}

/// Looks for what `config` names.
pub fn check(config: &Config) -> Checked {
    let mut checked = Checked::default();
    checked.tls(config);
    checked.data_directory(&config.journal.data_dir);
    checked.listener("http.listen", config.http.listen);
    checked.listener("http.ops_listen", config.http.ops_listen);
    checked
}

impl Checked {
    /// Each file by itself, then whether they belong together.
    fn tls(&mut self, config: &Config) {
        let chain = config.http.tls_cert.as_deref().map(listen::certificates);
        let key = config.http.tls_key.as_deref().map(listen::private_key);
        let unreadable = [chain.and_then(Result::err), key.and_then(Result::err)];
        let mut faults: Vec<_> = unreadable.into_iter().flatten().collect();
        if faults.is_empty() {
            faults.extend(listen::tls(config).err());
        }
        self.faults.extend(faults.iter().map(ToString::to_string));
    }

    /// The directory, or the one it would be made in, must take files: one without a name is made
    /// there for a moment, since a file system may refuse what its permissions allow.
    fn data_directory(&mut self, path: &Path) {
        let there = path.ancestors().find(|folder| folder.exists());
        let there = there.unwrap_or(Path::new("."));
        let shown = there.display();
        let fault = match tempfile::tempfile_in(there) {
            _ if !there.is_dir() => format!("{shown} is not a directory"),
            Err(error) => format!("no file can be made in {shown}: {error}"),
            Ok(_) if there == path => return,
            Ok(_) => {
                let path = path.display();
                return self
                    .remarks
                    .push(format!("{path} will be made at the first start"));
            }
        };
        self.faults.push(format!("journal.data_dir: {fault}"));
    }

    /// An address in use is a remark only: the server that runs with this configuration uses it.
    fn listener(&mut self, option: &str, address: SocketAddr) {
        let Err(error) = TcpListener::bind(address) else {
            return;
        };
        let said = format!("{option}: cannot listen on {address}: {error}");
        if error.kind() == std::io::ErrorKind::AddrInUse {
            self.remarks.push(format!("{said}; is the server running?"));
        } else {
            self.faults.push(said);
        }
    }
}
