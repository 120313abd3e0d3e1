//! AWS Signature Version 4.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

/// The reason why no request can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CannotSign {
    /// The feature `tls` is missing.
    NoTls,
    /// The credentials or the region have blanks or control characters.
    Credentials,
}

/// The header that names an operation.
const TARGET: &str = "x-amz-target";

/// The credentials of requests.
pub(crate) struct Signer {
    id: String,
    secret: String,
    token: Option<String>,
    region: String,
    service: &'static str,
}

/// The signed parts of a request.
struct Signed<'r> {
    method: &'r str,
    path: &'r str,
    /// Names in lower case, sorted, with values.
    headers: &'r [(&'r str, &'r str)],
    body: &'r [u8],
    /// Such as `20150830T123600Z`.
    time: &'r str,
}

impl Signer {
    /// # Errors
    /// Nothing can be signed with this build, or with these credentials.
    pub(crate) fn new(
        id: &str,
        secret: &str,
        token: Option<&str>,
        (region, service): (&str, &'static str),
    ) -> Result<Self, CannotSign> {
        if cfg!(not(feature = "tls")) {
            return Err(CannotSign::NoTls);
        }
        let all = [Some(id), Some(region), token];
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !all.into_iter().flatten().all(is_plain) {
            return Err(CannotSign::Credentials);
        }
        Ok(Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            token: token.map(str::to_owned),
            region: region.to_owned(),
            service,
        })
    }

    /// The headers of a POST request with its signature. `target` names the operation, for services
    /// that have no path for it.
    pub(crate) fn headers(
        &self,
        url: &Url,
        (content_type, target): (&'static str, Option<&'static str>),
        body: &[u8],
        now: SystemTime,
    ) -> HeaderMap {
        let time = time(now);
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let mut headers = vec![
            (CONTENT_TYPE.as_str(), content_type),
            ("host", host.as_str()),
            ("x-amz-date", time.as_str()),
        ];
        headers.extend(
            self.token
                .iter()
                .map(|token| ("x-amz-security-token", token.as_str())),
        );
        headers.extend(target.map(|target| (TARGET, target)));
        let authorization = self.authorization(&Signed {
            method: "POST",
            path: url.path(),
            headers: &headers,
            body,
            time: &time,
        });
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).expect("it was checked to be printable");
            value.set_sensitive(true);
            value
        };
        let mut sent = HeaderMap::new();
        sent.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(target) = target {
            sent.insert(TARGET, HeaderValue::from_static(target));
        }
        sent.insert("x-amz-date", secret(&time));
        sent.insert(AUTHORIZATION, secret(&authorization));
        if let Some(token) = &self.token {
            sent.insert("x-amz-security-token", secret(token));
        }
        sent
    }

    fn authorization(&self, request: &Signed<'_>) -> String {
        let date = &request.time[..8];
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let (method, path) = (request.method, request.path);
        let canonical = format!(
            "{method}\n{path}\n\n{lines}\n{names}\n{}",
            hex(&sha256(request.body))
        );
        let hash = hex(&sha256(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hash}", request.time);
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [date, &self.region, self.service, "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        let signature = hex(&hmac(&key, text.as_bytes()));
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.id
        )
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

fn time(now: SystemTime) -> String {
    let now = Timestamp::try_from(now).unwrap_or_default();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(feature = "tls")]
fn sha256(bytes: &[u8]) -> Vec<u8> {
    use aws_lc_rs::digest;
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

#[cfg(feature = "tls")]
fn hmac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    use aws_lc_rs::hmac;
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes)
        .as_ref()
        .to_vec()
}

/// `new` has refused.
#[cfg(not(feature = "tls"))]
fn sha256(_: &[u8]) -> Vec<u8> {
    Vec::new()
}

#[cfg(not(feature = "tls"))]
fn hmac(_: &[u8], _: &[u8]) -> Vec<u8> {
    Vec::new()
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;

    /// The credentials and the time of the test suite that AWS has published.
    fn signature(method: &str, headers: &[(&str, &str)], body: &str) -> String {
        let signer = Signer {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
            region: "us-east-1".to_owned(),
            service: "service",
        };
        let text = signer.authorization(&Signed {
            method,
            path: "/",
            headers,
            body: body.as_bytes(),
            time: "20150830T123600Z",
        });
        text.rsplit_once('=').unwrap().1.to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_test_suite_of_aws() {
        let host = ("host", "example.amazonaws.com");
        let date = ("x-amz-date", "20150830T123600Z");
        assert_eq!(
            signature("GET", &[host, date], ""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            signature("POST", &[host, date], ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(
            signature("POST", &[form, host, date], "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    #[test]
    fn a_token_is_signed_and_nothing_secret_is_shown() {
        let signer =
            Signer::new("AKID", "s3cret", Some("t0ken"), ("eu-central-1", "xray")).unwrap();
        let url = Url::parse("http://127.0.0.1:5555/Traces").unwrap();
        let headers = signer.headers(
            &url,
            ("application/json", None),
            b"{}",
            SystemTime::UNIX_EPOCH,
        );
        let text = headers[AUTHORIZATION].to_str().unwrap();
        let expected = "AWS4-HMAC-SHA256 Credential=AKID/19700101/eu-central-1/xray/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=";
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(headers["x-amz-security-token"], "t0ken");
        let shown = format!("{signer:?} {headers:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("t0ken"),
            "{shown}"
        );
        assert!(Signer::new("AK\nID", "s3cret", None, ("eu-central-1", "xray")).is_err());
    }
}
