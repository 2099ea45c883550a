"""Every option of curl, and what it means for a task. An option that is not here is an error: a typo must lose nothing silently.

Source: curl's manual and its table of options, 7.1 to 8.17, for HTTP; `--no-NAME` undoes an option without a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: What an option does: it makes the request; changes nothing of it; belongs to a connection; or cannot be taken over.
Role = Literal["request", "ignored", "connection", "refused"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `says` tells what became of it, or how to do without; `secret` marks a value that is a credential."""

    name: str
    takes_value: bool
    role: Role
    says: str = ""
    secret: bool = False


#: Letter -> name, where a letter has one.
LETTERS: Mapping[str, str] = {
    "a": "append",
    "b": "cookie",
    "c": "cookie-jar",
    "d": "data",
    "e": "referer",
    "f": "fail",
    "g": "globoff",
    "h": "help",
    "i": "show-headers",
    "j": "junk-session-cookies",
    "k": "insecure",
    "l": "list-only",
    "m": "max-time",
    "n": "netrc",
    "o": "output",
    "p": "proxytunnel",
    "q": "disable",
    "r": "range",
    "s": "silent",
    "t": "telnet-option",
    "u": "user",
    "v": "verbose",
    "w": "write-out",
    "x": "proxy",
    "y": "speed-time",
    "z": "time-cond",
    "A": "user-agent",
    "B": "use-ascii",
    "C": "continue-at",
    "D": "dump-header",
    "E": "cert",
    "F": "form",
    "G": "get",
    "H": "header",
    "I": "head",
    "J": "remote-header-name",
    "K": "config",
    "L": "location",
    "M": "manual",
    "N": "no-buffer",
    "O": "remote-name",
    "P": "ftp-port",
    "Q": "quote",
    "R": "remote-time",
    "S": "show-error",
    "T": "upload-file",
    "U": "proxy-user",
    "V": "version",
    "X": "request",
    "Y": "speed-limit",
    "Z": "parallel",
    "0": "http1.0",
    "1": "tlsv1",
    "2": "sslv2",
    "3": "sslv3",
    "4": "ipv4",
    "6": "ipv6",
    "#": "progress-bar",
    ":": "next",
}

_REQUEST_VALUES = (
    "request header data data-ascii data-binary data-raw data-urlencode json url url-query cookie user-agent referer range"
    " upload-file"
)
_REQUEST_SECRETS = "user oauth2-bearer"
_REQUEST_FLAGS = "get head globoff"

_NO_SETTING = "httptask has no such setting"
_OUTPUT = "it concerns what curl prints or stores"
_IGNORED_FLAGS = {
    "compressed tr-encoding": "httptask always asks for gzip",
    "location location-trusted follow post301 post302 post303": (
        "redirects are not followed, unless the template says followRedirects: true"
    ),
    "fail fail-with-body fail-early": "an answer that is no success always fails the task",
    "basic": "it is what curl does anyway",
    "http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only http0.9": "httptask speaks HTTP/1.1",
    (
        "silent show-error show-headers include verbose progress-bar progress-meter buffer no-buffer styled-output raw"
        " remote-name remote-name-all remote-header-name remote-time remove-on-error create-dirs clobber no-clobber xattr"
        " trace-time trace-ids parallel parallel-immediate skip-existing out-null suppress-connect-headers use-ascii list-only"
    ): _OUTPUT,
    "disable junk-session-cookies ignore-content-length disallow-username-in-url form-escape append": _NO_SETTING,
    "path-as-is": "paths are always sent as they are written",
    (
        "tcp-nodelay tcp-fastopen keepalive no-keepalive sessionid no-sessionid alpn no-alpn npn no-npn mptcp false-start"
        " tls-earlydata cert-status sasl-ir"
    ): "it concerns how curl talks to the server",
}
_IGNORED_VALUES = {
    (
        "output output-dir write-out dump-header cookie-jar stderr trace trace-ascii trace-config libcurl create-file-mode"
        " etag-save hsts alt-svc ssl-sessions limit-rate rate max-filesize parallel-max parallel-max-host"
    ): _OUTPUT,
    "max-redirs proto-redir": "redirects are not followed, unless the template says followRedirects: true",
    "expect100-timeout keepalive-time keepalive-cnt happy-eyeballs-timeout-ms local-port ip-tos vlan-priority": (
        "it concerns how curl talks to the server"
    ),
    "proto proto-default engine delegation login-options service-name random-file egd-file": _NO_SETTING,
}

_TLS = "TLS is always verified; a profile names the authorities to trust as caBundle"
_PROXY = "the variables HTTPS_PROXY and NO_PROXY name the proxy"
_CERTIFICATE = "a profile names the files as clientCertificate and clientKey"
_ROUTE = "names are looked up by the system; a profile's baseUrl may name another host"
_CONNECTION_FLAGS = {
    "insecure doh-insecure ssl-no-revoke ssl-revoke-best-effort ssl-allow-beast ca-native ssl ssl-reqd": _TLS,
    "tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 sslv2 sslv3 doh-cert-status ssl-auto-client-cert": "the system's TLS settings hold",
    (
        "proxytunnel proxy-insecure proxy-basic proxy-digest proxy-ntlm proxy-negotiate proxy-anyauth proxy-tlsv1 proxy-http2"
        " proxy-ca-native proxy-ssl-allow-beast proxy-ssl-auto-client-cert haproxy-protocol socks5-basic socks5-gssapi"
        " socks5-gssapi-nec"
    ): _PROXY,
    "ipv4 ipv6": _ROUTE,
    "retry-all-errors retry-connrefused": "the retry policy knows what may be sent again: docs/retries.md",
    "netrc netrc-optional": "no .netrc is read: a profile holds a reference to the credential",
}
_CONNECTION_VALUES = {
    "connect-timeout": "in a profile: retry = {connectTimeout = SECONDS}",
    "max-time": "in a profile: retry = {readTimeout = SECONDS}; for one call: --timeout",
    "speed-limit speed-time": "in a profile: retry = {readTimeout = SECONDS}",
    "retry": "in a profile: retry = {maxAttempts = NUMBER}, the first attempt included",
    "retry-delay": "in a profile: retry = {backoffBase = SECONDS}",
    "retry-max-time": "in a profile: retry = {maxElapsed = SECONDS}",
    "cacert capath crlfile pinnedpubkey": _TLS,
    "key key-type cert-type": _CERTIFICATE,
    "ciphers tls13-ciphers curves sigalgs tls-max ech": "the system's TLS settings hold",
    (
        "proxy preproxy proxy1.0 noproxy socks4 socks4a socks5 socks5-hostname socks5-gssapi-service proxy-cacert proxy-capath"
        " proxy-cert-type proxy-ciphers proxy-crlfile proxy-key proxy-key-type proxy-pinnedpubkey proxy-service-name"
        " proxy-tls13-ciphers proxy-tlsauthtype haproxy-clientip"
    ): _PROXY,
    "resolve connect-to interface dns-servers dns-interface dns-ipv4-addr dns-ipv6-addr doh-url": _ROUTE,
    "netrc-file": "no .netrc is read: a profile holds a reference to the credential",
}
_CONNECTION_SECRETS = {
    "cert": _CERTIFICATE,
    "pass": "a key with a passphrase is not read; store it without, readable by its owner only",
    "proxy-user proxy-header proxy-pass proxy-cert proxy-tlsuser proxy-tlspassword": _PROXY,
    "tlsuser tlspassword tlsauthtype": "the system's TLS settings hold",
}

_SIGNED = "a credential is a bearer token, a user name with password, or a key in a header, query parameter or cookie"
_REFUSED_FLAGS = {
    "digest ntlm ntlm-wb negotiate anyauth": f"this way to log in is not supported: {_SIGNED}",
    "next": "paste one request at a time",
    "help manual version dump-ca-embed": "this is no request",
    "crlf": "give the data as it is to be sent",
    "metalink ftp-pasv ftp-create-dirs ftp-pret ftp-skip-pasv-ip ftp-ssl ftp-ssl-ccc ftp-ssl-control ftp-ssl-reqd eprt epsv"
    " disable-eprt disable-epsv compressed-ssh mail-rcpt-allowfails tftp-no-options": "only HTTP is spoken",
}
_REFUSED_VALUES = {
    "form form-string": "a multipart form has no encoder yet; supported: JSON and text bodies",
    "config": "no file of options is read; paste the options themselves",
    "unix-socket abstract-unix-socket": "only a host can be called; let the server listen on a port of this machine",
    "request-target": "write the path into the URL",
    "variable": "curl's own variables are not expanded; write the values",
    "time-cond": "write the header: -H 'If-Modified-Since: ...'",
    "etag-compare": "write the header: -H 'If-None-Match: ...'",
    "continue-at": "write the header: -H 'Range: ...'",
    "aws-sigv4": f"signed requests are not supported: {_SIGNED}",
    "ipfs-gateway quote telnet-option ftp-port ftp-account ftp-alternative-to-user ftp-method ftp-ssl-ccc-mode hostpubmd5"
    " hostpubsha256 knownhosts krb krb4 mail-auth mail-from mail-rcpt pubkey sasl-authzid tftp-blksize upload-flags": (
        "only HTTP is spoken"
    ),
}


def _table() -> Mapping[str, Option]:
    found = {name: Option(name, takes_value=False, role="request") for name in _REQUEST_FLAGS.split()}
    found |= {name: Option(name, takes_value=True, role="request") for name in _REQUEST_VALUES.split()}
    found |= {name: Option(name, takes_value=True, role="request", secret=True) for name in _REQUEST_SECRETS.split()}
    groups: tuple[tuple[Role, bool, bool, Mapping[str, str]], ...] = (
        ("ignored", False, False, _IGNORED_FLAGS),
        ("ignored", True, False, _IGNORED_VALUES),
        ("connection", False, False, _CONNECTION_FLAGS),
        ("connection", True, False, _CONNECTION_VALUES),
        ("connection", True, True, _CONNECTION_SECRETS),
        ("refused", False, False, _REFUSED_FLAGS),
        ("refused", True, False, _REFUSED_VALUES),
    )
    for role, takes_value, secret, texts in groups:
        for names, says in texts.items():
            found |= {name: Option(name, takes_value=takes_value, role=role, says=says, secret=secret) for name in names.split()}
    return found


#: Name without dashes -> option.
OPTIONS = _table()
