//! nginx with a worker a core; the same process serves the plain and the nchan workloads.

use std::process::Child;
use std::{fs, io};

use super::Site;
use crate::sys;

pub const SETTINGS: &str = "worker_processes 1 (scaling: and 2), worker_connections 100000, keepalive 256 to the origin, \
     no access log, nchan_message_buffer_length 1, nchan_shared_memory_size 512M";

pub fn start(site: &Site) -> io::Result<Child> {
    let directory = site.directory.to_string_lossy();
    let config = format!(
        "daemon off; worker_processes {}; pid {directory}/nginx.pid; error_log {directory}/error.log;\n\
         load_module /usr/lib/nginx/modules/ngx_nchan_module.so;\n\
         events {{ worker_connections 100000; }}\n\
         http {{\n\
           access_log off; keepalive_requests 1000000000; nchan_shared_memory_size 512M;\n\
           client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;\n\
           fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;\n\
           upstream origin {{ server {}; keepalive 256; keepalive_requests 1000000000; }}\n\
           server {{\n\
             listen {} backlog=4096;\n\
             location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}\n\
             location /native {{ proxy_pass http://{}; proxy_http_version 1.1; proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade; proxy_read_timeout 1h; }}\n\
             location ~ ^/sub/(.+)$ {{ nchan_subscriber http-chunked longpoll websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }}\n\
             location ~ ^/pub/(.+)$ {{ nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 1; }}\n\
           }}\n\
         }}\n",
        site.cores.count(),
        site.origin,
        site.http,
        site.origin,
    );
    let path = site.directory.join("nginx.conf");
    fs::write(&path, config)?;
    sys::spawn_server(site.cores, "nginx", &["-c", &path.to_string_lossy()])
}
