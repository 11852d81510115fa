package observable

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Kind
		text string
		want string // empty: refused
	}{
		{"ipv4", IPv4, "192.0.2.1", "192.0.2.1"},
		{"ipv4 defanged", IPv4, "192[.]0.2(.)1", "192.0.2.1"},
		{"ipv4 with leading zero could be octal", IPv4, "192.0.2.010", ""},
		{"ipv4 of three numbers", IPv4, "192.0.2", ""},
		{"ipv4 beyond 255", IPv4, "192.0.2.256", ""},
		{"ipv6 written out", IPv6, "2001:0DB8:0000:0000:0000:0000:0000:0053", "2001:db8::53"},
		{"ipv6 zone", IPv6, "fe80::1%eth0", "fe80::1"},
		{"ipv6 mapped", IPv6, "::ffff:192.0.2.1", "192.0.2.1"},
		{"ipv6 mapped in digits", IPv6, "::ffff:c000:201", "192.0.2.1"},
		{"ipv6 in brackets", IPv6, "[2001:db8::1]", "2001:db8::1"},
		{"ipv6 zone in brackets", IPv6, "[fe80::1%eth0]", "fe80::1"},
		{"ipv6 defanged", IPv6, "2001[:]db8[:]:1", "2001:db8::1"},
		{"ipv6 of nine groups", IPv6, "1:2:3:4:5:6:7:8:9", ""},
		{"ipv6 with two gaps", IPv6, "1::2::3", ""},

		{"domain", Domain, "Example.COM", "example.com"},
		{"domain with final dot", Domain, "example.com.", "example.com"},
		{"domain defanged", Domain, "example[.]com", "example.com"},
		{"domain defanged with a word", Domain, "example[dot]com", "example.com"},
		{"domain defanged twice", Domain, "example[[.]]com", "example.com"},
		{"domain with umlaut", Domain, "Bücher.example", "xn--bcher-kva.example"},
		{"domain in Arabic", Domain, "إختبار.example", "xn--kgbechtv.example"},
		{"domain with ideographic dot", Domain, "例え。テスト", "xn--r8jz45g.xn--zckzah"},
		{"domain with underscores", Domain, "_ldap._tcp.dc.example", "_ldap._tcp.dc.example"},
		{"domain of one label", Domain, "WPAD", "wpad"},
		{"domain with empty label", Domain, "a..b", ""},
		{"domain with space", Domain, "a b.example", ""},
		{"domain label of 64", Domain, strings.Repeat("a", 64) + ".example", ""},
		{"domain of 254", Domain, strings.Repeat("abcdefg.", 31) + "abcdef", ""},
		{"only a dot", Domain, ".", ""},

		{"url", URL, "HTTP://Example.COM/Path", "http://example.com/Path"},
		{"url default port", URL, "https://example.com:443/", "https://example.com/"},
		{"url other port", URL, "http://example.com:8080", "http://example.com:8080/"},
		{"url defanged", URL, "hxxps[://]example[.]com/a", "https://example.com/a"},
		{"url fragment", URL, "http://example.com/a#b", "http://example.com/a"},
		{"url query without path", URL, "http://example.com?q=1", "http://example.com/?q=1"},
		{"url escapes", URL, "http://example.com/%c3%bc", "http://example.com/%C3%BC"},
		{"url raw umlaut", URL, "http://example.com/ü", "http://example.com/%C3%BC"},
		{"url space", URL, "http://example.com/a b", "http://example.com/a%20b"},
		{"url with address", URL, "http://[2001:DB8::1]:80/x", "http://[2001:db8::1]/x"},
		{"url with mapped address", URL, "http://[::ffff:192.0.2.1]/x", "http://192.0.2.1/x"},
		{"url with user", URL, "ftp://user@Example.com/x", "ftp://user@example.com/x"},
		{"url without scheme", URL, "example.com/x", "http://example.com/x"},
		{"url with IDN", URL, "http://bücher.example/", "http://xn--bcher-kva.example/"},
		{"url without host", URL, "http:///x", ""},
		{"url with broken port", URL, "http://example.com:99999/", ""},

		{"email", Email, "Some.One@Example.COM", "some.one@example.com"},
		{"email in header", Email, `"Some One" <some.one@example.com>`, "some.one@example.com"},
		{"email mailto", Email, "mailto:a@example.com", "a@example.com"},
		{"email defanged", Email, "a[@]example[.]com", "a@example.com"},
		{"email without local part", Email, "@example.com", ""},

		{"md5", MD5, "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"},
		{"md5 too short", MD5, "d41d8cd98f00b204e9800998ecf8427", ""},
		{"md5 with g", MD5, "g41d8cd98f00b204e9800998ecf8427e", ""},
		{"certificate with colons", CertSHA1, "70:94:DE:dd:e6:c4:69:48:3a:92:70:a1:48:56:78:2d:18:64:e0:b7", "7094dedde6c469483a9270a14856782d1864e0b7"},
		{"colons between digits", MD5, "d:41d8cd98f00b204e9800998ecf8427e0", ""},
		{"ja4", JA4, "t13d1516h2_8daaf6152771_B186095e22b6", "t13d1516h2_8daaf6152771_b186095e22b6"},
		{"ja4 with two underscores too few", JA4, "t13d1516h2a8daaf6152771ab186095e22b6", ""},
		{"serial", CertSerial, "02:49:3E:07", "2493e07"},
		{"subject", CertSubject, "C=US, ST=Utah ,  CN=Example", "c=us,st=utah,cn=example"},
		{"file name", FileName, `C:\Windows\System32\CMD.exe`, "cmd.exe"},
		{"file name with slash", FileName, "/tmp/X", "x"},
		{"file name of directory", FileName, `C:\Windows\`, ""},
		{"registry short hive", RegistryKey, `HKLM\Software\X\`, `hkey_local_machine\software\x`},
		{"registry kernel hive", RegistryKey, `\REGISTRY\MACHINE\Software`, `hkey_local_machine\software`},
		{"registry users", RegistryKey, `HKU\S-1-5`, `hkey_users\s-1-5`},
		{"registry not a hive", RegistryKey, `HKLMX\a`, `hklmx\a`},
		{"user agent", UserAgent, "  Mozilla/5.0 ", "Mozilla/5.0"},
		{"port", DestinationPort, "00443", "443"},
		{"port beyond", DestinationPort, "65536", ""},
		{"empty", Domain, "  ", ""},
		{"long", CommandLine, strings.Repeat("a", MaxLength+1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Canonical(c.kind, c.text)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("Canonical(%s, %q) = %q, %v; want %q", c.kind, c.text, got, err, c.want)
			}
		})
	}
}

// ways draws a text that is made of the pieces canonical forms are about.
func ways() *rapid.Generator[string] {
	piece := rapid.SampledFrom([]string{
		"http://", "HXXP://", "[.]", "(dot)", "[[", "]]", "[", ".]", ".", "..", "@", "[at]", ":", "::", "80", "443", "/", "//", `\`, "%", "%4a", "%%3", "#", "?", "&",
		"Example", "com", "xn--bcher-kva", "Bücher", "İ", "ß", "ſ", "K", "。", "\xff", " ", "\t", "192.0.2.1", "0", "255", "fe80", "ffff", "<", ">", "HKLM", "_", "-", "\u00ad", "ǅ",
	})
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 10).Draw(t, "pieces"), "") }),
		rapid.String(),
	)
}

func checkFixedPoint(t interface{ Fatalf(string, ...any) }, kind Kind, text string) {
	once, err := Canonical(kind, text)
	if err != nil {
		return
	}
	twice, err := Canonical(kind, once)
	if err != nil || twice != once {
		t.Fatalf("Canonical(%s, %q) = %q, and of that %q, %v", kind, text, once, twice, err)
	}
	// What extraction makes of it, which refangs nothing, is the same.
	v, _, err := appendCanonical(kind, []byte(once), nil)
	if err != nil || string(v) != once {
		t.Fatalf("extraction makes %q, %v of canonical %s %q", v, err, kind, once)
	}
}

func TestCanonicalIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := Kind(rapid.IntRange(int(IPv4), int(kindCount)-1).Draw(t, "kind"))
		checkFixedPoint(t, kind, ways().Draw(t, "text"))
	})
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"hxxp://a[.]b/%%aa", "::ffff:1.2.3.4", "Bücher.example", `HKLM\A\`, "a@b.example", "t13d1516h2_8daaf6152771_b186095e22b6"} {
		f.Add(uint8(URL), s)
	}
	f.Fuzz(func(t *testing.T, k uint8, text string) {
		checkFixedPoint(t, Kind(k)%kindCount, text)
		Recognise(text)
	})
}

// TestOtherWritings holds that ways of writing the same thing agree.
func TestOtherWritings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?`)
		name := strings.Join(rapid.SliceOfN(label, 1, 4).Draw(t, "labels"), ".") + ".example"
		path := "/" + rapid.StringMatching(`[A-Za-z0-9/._~-]{0,20}`).Draw(t, "path")
		mix := rapid.SampledFrom([]func(string) string{
			strings.ToUpper,
			func(s string) string { return strings.ReplaceAll(s, ".", "[.]") },
			func(s string) string { return strings.ReplaceAll(s, ".", "(dot)") },
			func(s string) string { return s + "." },
		}).Draw(t, "writing")
		agree(t, Domain, name, mix(name))
		if !strings.Contains(path, "://") {
			agree(t, URL, "http://"+name+path, "hXXp://"+mix(name)+":80"+path)
			agree(t, URL, "http://"+name+path, "http://"+mix(name)+path+"#part")
		}
		agree(t, Email, "someone@"+name, "<SOMEONE[@]"+mix(name)+">")

		a := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))).Unmap()
		agree(t, IPv6, a.String(), a.StringExpanded())
		agree(t, IPv6, a.String(), strings.ToUpper(a.String()))
		if a.Is6() {
			agree(t, IPv6, a.String(), a.String()+"%eth0")
		}
		b := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
		agree(t, IPv4, b.String(), "::ffff:"+b.String())
	})
}

func agree(t *rapid.T, kind Kind, a, b string) {
	x, err := Canonical(kind, a)
	if err != nil {
		t.Fatalf("Canonical(%s, %q): %v", kind, a, err)
	}
	if y, err := Canonical(kind, b); err != nil || x != y {
		t.Fatalf("Canonical(%s): %q gives %q, %q gives %q, %v", kind, a, x, b, y, err)
	}
}

// TestAddressesAgreeWithNetip compares the parsers with the standard library's.
func TestAddressesAgreeWithNetip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[0-9a-fA-F:.]{0,45}`),
			rapid.StringMatching(`([0-9a-f]{0,4}:){1,8}[0-9a-f]{0,4}`),
			rapid.StringMatching(`([0-9a-f]{1,4}:){0,7}:([0-9a-f]{1,4}:){0,3}[0-9.]{0,15}`),
			rapid.StringMatching(`([0-9]{1,3}\.){3}[0-9]{1,3}`),
		).Draw(t, "text")
		want, err := netip.ParseAddr(text)
		_, got, _, ours := address([]byte(text), nil)
		if (err == nil) != (ours == nil) || err == nil && string(got) != want.Unmap().String() {
			t.Fatalf("%q: netip says %v, %v; we say %s, %v", text, want, err, got, ours)
		}
		if err == nil {
			if a, ok := Addr(got); !ok || a != want.Unmap() {
				t.Fatalf("Addr(%q) = %v, %v", got, a, ok)
			}
		}
	})
}

func TestCanonicalPrefix(t *testing.T) {
	for _, c := range []struct {
		text string
		kind Kind
		want string
	}{
		{"192.0.2.77/24", IPv4, "192.0.2.0/24"},
		{"192.0.2.77", IPv4, "192.0.2.77/32"},
		{"192[.]0[.]2[.]0/24", IPv4, "192.0.2.0/24"},
		{"::ffff:192.0.2.0/120", IPv4, "192.0.2.0/24"},
		{"2001:DB8::1/32", IPv6, "2001:db8::/32"},
		{"0.0.0.0/0", IPv4, "0.0.0.0/0"},
		{"192.0.2.0/33", None, ""},
		{"192.0.2.0/", None, ""},
		{"192.0.2.0/-1", None, ""},
		{"::ffff:192.0.2.0/90", None, ""},
		{"example.com/24", None, ""},
	} {
		kind, p, err := CanonicalPrefix(c.text)
		if kind != c.kind || err == nil && p.String() != c.want || (err == nil) != (c.want != "") {
			t.Errorf("CanonicalPrefix(%q) = %v, %v, %v; want %v %s", c.text, kind, p, err, c.kind, c.want)
		}
	}
}

func TestRecognise(t *testing.T) {
	for text, want := range map[string]Kind{
		"192.0.2.1":                            IPv4,
		"192[.]0[.]2[.]1":                      IPv4,
		"192.0.2.0/24":                         IPv4,
		"2001:db8::/32":                        IPv6,
		"2001:db8::1":                          IPv6,
		"example.com":                          Domain,
		"evil[.]example":                       Domain,
		"_ldap._tcp.mordor.local":              Domain,
		"http://example.com":                   URL,
		"hxxps://example[.]com/a":              URL,
		"example.com/a":                        URL,
		"192.0.2.1/a":                          URL,
		"example.com:8080":                     URL,
		"a@example.com":                        Email,
		"d41d8cd98f00b204e9800998ecf8427e":     MD5,
		strings.Repeat("a", 40):                SHA1,
		strings.Repeat("A", 64):                SHA256,
		strings.Repeat("0", 128):               SHA512,
		"t13d1516h2_8daaf6152771_b186095e22b6": JA4,
		"evil.exe":                             FileName,
		`HKLM\Software\X`:                      RegistryKey,
		"word":                                 None,
		"two words.example":                    None,
		"1.2.3":                                None,
		"":                                     None,
		"/a/path":                              None,
		`C:\a.exe`:                             None,
		"10:15:22":                             None,
		"2020-09-22T18:52:40.080910+0000":      None,
	} {
		if got, ok := Recognise(text); got != want || ok != (want != None) {
			t.Errorf("Recognise(%q) = %s, %v; want %s", text, got, ok, want)
		}
	}
}

func TestKindsFit(t *testing.T) {
	for k := None; k < kindCount; k++ {
		if back, err := ParseKind(k.String()); k != None && (err != nil || back != k) {
			t.Errorf("ParseKind(%q) = %v, %v", k, back, err)
		}
		if AllKinds.Has(k) != (k != None) {
			t.Errorf("AllKinds.Has(%s) = %v", k, AllKinds.Has(k))
		}
	}
	if kindCount > 32 {
		t.Error("Kinds has no bit left")
	}
}
