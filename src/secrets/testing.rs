//! Made-up secrets in every shape, for the tests of each door. Each begins with `Zq` and ends with `9X`.

use proptest::prelude::*;
use proptest::sample;

/// Passwords as people choose them, in URLs, with what must not be in one.
fn password() -> impl Strategy<Value = String> {
    prop_oneof![
        "Zq[A-Za-z0-9]{6,30}9X",
        "Zq[a-z]{4}[/?#@:!$%^&*+][A-Za-z0-9]{3,8}9X",
        "Zq[a-z]{2}@[a-z]{2}/[a-z]{2}9X",
        "Zq[a-z]{4}%2F[A-Za-z0-9]{3,8}9X",
        "Zq[a-z]{2} [a-z]{3}9X",
    ]
}

/// Hosts that are known for hosts.
fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{2,8}\\.(org|com|io)",
        Just("localhost".to_owned()),
        Just("127.0.0.1:8080".to_owned()),
        Just("[::1]:8080".to_owned()),
        Just("[2001:db8::1]".to_owned()),
    ]
}

/// A secret, and a line with it in one of the shapes that there are.
pub(crate) fn shaped() -> impl Strategy<Value = (String, String)> {
    let in_urls =
        (password(), host(), "[a-z]{1,8}", 0..10).prop_map(|(secret, host, user, shape)| {
            let line = match shape {
                0 => format!("https://{user}:{secret}@{host}/simple"),
                1 => format!("git+https://{user}:{secret}@{host}/r.git@v1.0"),
                2 => format!(
                    "Collecting x@ http://{user}:{secret}@{host}/x.whl (from -r r.txt (line 1))"
                ),
                3 => format!("'x @ https://{user}:{secret}@{host}/x'"),
                4 => format!("Looking in indexes: https://{host}/, https://{user}:{secret}@{host}"),
                5 => format!(r"https:\/\/{user}:{secret}@{host}\/x"),
                6 => format!("git+ssh://{user}:{secret}@{host}/r.git@v1.0#egg=x"),
                7 => format!("http://{user}:{secret}@{host}/ http://{user}:{secret}@{host}/x"),
                8 => format!("index-url = https://{user}:{secret}@{host}/simple"),
                _ => format!("PIP_EXTRA_INDEX_URL='https://{user}:{secret}@{host}/simple'"),
            };
            (secret, line)
        });
    let named = ("Zq[A-Za-z0-9_-]{6,30}9X", host(), 0..27).prop_map(|(secret, host, shape)| {
        let line = match shape {
            0 => format!("https://{secret}@{host}/"),
            1 => format!("https://{secret}:@{host}/"),
            2 => format!("https://{secret}:x-oauth-basic@{host}/"),
            3 => format!("https://{host}/x.whl?token={secret}&v=1#sha256=ab"),
            4 => format!("Location: https://{host}/?X-Amz-Date=1&X-Amz-Signature={secret}"),
            5 => format!("https://{host}/?sv=1&sig={secret}"),
            6 => format!("Authorization: Bearer {secret}"),
            7 => format!(r"send: b'GET / HTTP/1.1\r\nAuthorization: Basic {secret}\r\n'"),
            8 => format!("PIP_PASSWORD={secret} pip install x"),
            9 => format!("PIP_PROXY={secret}@{host}"),
            10 => format!("setup.py install --password {secret} --home=/x"),
            11 => format!("machine {host} login kim password {secret}"),
            12 => format!("{{'api_key': '{secret}', 'x': 1}}"),
            13 => {
                let host = host.replace(':', "%3A");
                format!("https://h.org/?next=https%3A%2F%2F{secret}%40{host}%2F")
            }
            14 => format!("--config-settings key={secret}"),
            15 => format!("password = {secret}"),
            16 => format!("see ghp_{secret}16C7e42F292c6912E771 now"),
            17 => format!("WARNING: The index url \"kim:{secret}@{host}/simple\" seems invalid"),
            18 => format!("--trusted-host kim:{secret}@{host}"),
            19 => format!("--global-option=--password={secret}"),
            20 => format!(r#""{{\"token\": \"{secret}\"}}""#),
            21 => format!("https://{host}/?next=%2Fx%3Fv%3D1%26token%3D{secret}"),
            22 => format!("https://{host}/x.whl#access_token={secret}&sha256=ab"),
            23 => format!("proxy = kim:{secret}@{host}"),
            24 => format!("PIP_CLIENT_CERT=/home/kim/{secret}.pem"),
            25 => format!("client-cert = {secret}"),
            _ => format!("git+ssh://{secret}@{host}/r.git"),
        };
        (secret, line)
    });
    prop_oneof![in_urls, named]
}

/// A secret, and words of a command line that have it: an option with its value, in the same word or in the next.
pub(crate) fn optioned() -> impl Strategy<Value = (String, Vec<String>)> {
    let name = sample::select(vec![
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--proxy",
        "--client-cert",
        "--trusted-host",
        "--cert",
    ]);
    let secret = prop_oneof!["Zq[A-Za-z0-9_-]{6,30}9X", "Zq[a-z]{4}%40[a-z]{3}9X"];
    (secret, host(), name, any::<bool>()).prop_map(|(secret, host, name, is_one)| {
        let value = match name {
            "--client-cert" => format!("/home/kim/{secret}.pem"),
            "--cert" => format!("/home/kim/cert.pem:{secret}"),
            "--proxy" | "--trusted-host" => format!("kim:{secret}@{host}"),
            _ => format!("https://kim:{secret}@{host}/simple"),
        };
        let words = if is_one {
            vec![format!("{name}={value}")]
        } else {
            vec![name.to_owned(), value]
        };
        (secret, words)
    })
}

/// Lines of pip, of builds and of people, none with a secret.
pub(crate) fn innocent() -> impl Strategy<Value = String> {
    sample::select(vec![
        "Collecting six==1.16.0 (from -r requirements.txt (line 12))",
        "  Downloading six-1.16.0-py2.py3-none-any.whl (11 kB)",
        "Looking in links: /work/wheels, https://h.org/simple",
        "Requirement already satisfied: x==1 in ./lib",
        "x@ file:///work/x",
        "x @ file:///work/a@b.org/x",
        "Author-email: Kim <kim@example.org>",
        "kim@example.org",
        "git+https://host/repo@v1.0#egg=name",
        "git+https://host:8443/team/repo@release.next",
        "https://h/@scope/x?v=1#sha256=0123456789abcdef",
        "https://h.org:8080/mail/kim@example.org/",
        "Downloading https://files.pythonhosted.org/packages/ab/cd/six-1.16.0-py2.py3-none-any.whl",
        "Successfully",
        "ERROR: No matching distribution found for token==1.0",
        "Successfully installed pypi-attestations-0.0.20 password-strength-0.0.3",
        "  File \"/usr/lib/python3.12/site-packages/pip/_internal/cli/base_command.py\", line 180, in x",
        "╭─ Traceback (most recent call last) ─────────────────────────────────╮",
        "│ /usr/lib/python3.12/site-packages/pip/_internal/cli/base_command.py │",
        "│ ❱ 180 │   │   │   status = run_func(*args)                          │",
        "━━━━━━━━━ 11.2/11.2 MB 5.0 MB/s eta 0:00:00",
        "한국어 설명: 끝",
        "",
    ])
    .prop_map(str::to_owned)
}
