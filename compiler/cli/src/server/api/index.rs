//! `GET /`: a page for people who look with a browser.

use crate::server::reply::Reply;

/// The page.
pub(crate) fn get() -> Reply {
    let page = format!(
        "\n<html>\n<head>\n<title>govc</title>\n</head>\n<body>\n<pre>govc</pre>\n\
         A server for policies. It answers as the Open Policy Agent does.<br>\n<br>\n\
         Version: {}<br>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    Reply {
        status: 200,
        headers: vec![("content-type", "text/html; charset=utf-8".to_owned())],
        body: page.into(),
    }
}
