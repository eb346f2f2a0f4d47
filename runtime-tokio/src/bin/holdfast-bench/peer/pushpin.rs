//! Debian's Pushpin 1.36 with its helper processes.

use std::process::Child;
use std::{fs, io};

use super::Site;
use crate::sys;

pub const SETTINGS: &str = "message_rate and message_hwm unlimited, client_maxconn=100000, log_level=1, \
     zurl beside it";

pub fn start(site: &Site) -> io::Result<Child> {
    let directory = site.directory.to_string_lossy();
    for name in ["run", "log"] {
        fs::create_dir_all(site.directory.join(name))?;
    }
    // The helper that asks origins is a service of its own in Debian; it listens here instead.
    let internal = fs::read_to_string("/usr/lib/pushpin/internal.conf")?
        .replace("/var/run/zurl/", &format!("{directory}/run/"));
    fs::write(site.directory.join("internal.conf"), internal)?;
    let zurl = format!(
        "[General]\nin_spec=ipc://{directory}/run/zurl-in\nin_stream_spec=ipc://{directory}/run/zurl-in-stream\n\
         out_spec=ipc://{directory}/run/zurl-out\nin_req_spec=ipc://{directory}/run/zurl-req\n\
         max_open_requests=100000\ndefpolicy=allow\n"
    );
    fs::write(site.directory.join("zurl.conf"), zurl)?;
    let config = format!(
        "[global]\ninclude={directory}/internal.conf\nrundir={directory}/run\nipc_prefix=bench-\nport_offset=0\n\
         [runner]\nservices=condure,pushpin-proxy,pushpin-handler\nhttp_port={}\nlogdir={directory}/log\nlog_level=1\n\
         client_buffer_size=8192\nclient_maxconn=100000\n\
         [proxy]\nroutesfile=routes\nsig_key=\n\
         [handler]\npush_in_http_addr={}\npush_in_http_port={}\n",
        site.http.port(),
        site.publish.ip(),
        site.publish.port(),
    );
    let path = site.directory.join("pushpin.conf");
    fs::write(&path, config)?;
    fs::write(site.directory.join("routes"), super::routes(site))?;
    let script =
        format!("zurl --config={directory}/zurl.conf & exec pushpin --config={}", path.display());
    sys::spawn_server(site.cores, "sh", &["-c", &script])
}
