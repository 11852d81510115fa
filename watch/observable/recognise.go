package observable

import (
	"regexp"
	"slices"
	"strings"
)

// defanged are the ways in which people make indicators harmless, and what
// they stand for.
var defanged = regexp.MustCompile(`(?i)^(?:hxxp|h\*\*p|fxp)|[\[({](?:\.|dot|:|:/{0,2}|/|@|at)[\])}]|\\\.`)

// Refang undoes what was done to make an indicator harmless: hxxp, fxp, [.],
// (.), {.}, [dot], [:], [://], [@], [at] and "\.".
func Refang(text string) string {
	if !strings.ContainsAny(text, `[({\*`) && !(len(text) > 3 && (text[1]|0x20 == 'x' || text[2]|0x20 == 'x')) {
		return text // as nearly all are
	}
	return defanged.ReplaceAllStringFunc(text, func(s string) string {
		switch lower := strings.ToLower(s); lower {
		case "hxxp", "h**p":
			return "http"
		case "fxp":
			return "ftp"
		case `\.`:
			return "."
		default:
			switch inner := lower[1 : len(lower)-1]; inner {
			case "dot":
				return "."
			case "at":
				return "@"
			default:
				return inner
			}
		}
	})
}

// fileExtensions are what names of files, and no names of hosts, end with.
// Extensions that are top-level domains too (com, zip, sh) are left out.
var fileExtensions = []string{
	"bat", "bin", "chm", "class", "cmd", "cpl", "dat", "db", "dll", "doc", "docm", "docx", "dot", "drv", "dylib", "elf", "exe",
	"gz", "hta", "htm", "html", "img", "inf", "ini", "iso", "jar", "jpg", "js", "jse", "json", "lnk", "log", "msi", "ocx", "pdf",
	"php", "png", "ppt", "pptm", "pptx", "ps1", "psm1", "rar", "reg", "rtf", "scr", "so", "svg", "sys", "tar", "tmp", "txt", "vbe",
	"vbs", "wsf", "xls", "xlsm", "xlsx", "xml", "7z",
}

// Recognise tells which kind text is by its shape alone. It may be defanged. A
// CIDR prefix is recognised as an address, 32 digits as MD5 (imphash and JA3
// look the same), and a name without a dot as nothing.
func Recognise(text string) (Kind, bool) {
	if len(text) > 2*MaxLength {
		return None, false
	}
	text = strings.TrimSpace(Refang(strings.TrimSpace(text)))
	if text == "" || len(text) > MaxLength {
		return None, false
	}
	if k, _, err := CanonicalPrefix(text); err == nil {
		return k, true
	}
	k := shape([]byte(text))
	return k, k != None
}

// shape recognises what is no prefix and not defanged.
func shape(v []byte) Kind {
	switch len(v) {
	case 32, 40, 64, 128:
		if isHex(v) {
			return hashOfLength(len(v))
		}
	case 36:
		if _, _, err := ja4(v, nil); err == nil && strings.IndexByte("tqd", v[0]) >= 0 {
			return JA4
		}
	}
	text := string(v)
	if strings.ContainsAny(text, " \t") {
		return None
	}
	if k, _, _, err := address(v, nil); err == nil {
		return k
	}
	if before, _, ok := strings.Cut(text, "://"); ok && isScheme([]byte(before)) {
		if _, _, err := url(v, nil); err == nil {
			return URL
		}
		return None
	}
	if len(text) > 4 && strings.EqualFold(text[:2], "HK") && strings.Contains(text, `\`) {
		return RegistryKey
	}
	if strings.Contains(text, `\`) {
		return None
	}
	if name, path, ok := strings.Cut(text, "/"); ok {
		if isHostName(name) && path != "" {
			return URL
		}
		return None
	}
	if local, name, ok := strings.Cut(text, "@"); ok {
		if _, _, err := email(v, nil); err == nil && local != "" && isHostName(name) {
			return Email
		}
		return None
	}
	if name, number, ok := strings.Cut(text, ":"); ok {
		if _, _, err := port([]byte(number), nil); err == nil && number != "" && isHostName(name) {
			return URL
		}
		return None
	}
	if isHostName(text) {
		return Domain
	}
	if i := strings.LastIndexByte(text, '.'); i > 0 && slices.Contains(fileExtensions, strings.ToLower(text[i+1:])) {
		return FileName
	}
	return None
}

// hashOfLength returns the hash that has n hexadecimal digits.
func hashOfLength(n int) Kind {
	switch n {
	case 32:
		return MD5
	case 40:
		return SHA1
	case 64:
		return SHA256
	case 128:
		return SHA512
	}
	return None
}

// isHostName tells whether name is a domain name of at least two labels whose
// last one could be a top-level domain, or an IPv4 address.
func isHostName(name string) bool {
	if isIPv4([]byte(name)) {
		return true
	}
	v, _, err := domain([]byte(name), nil)
	if err != nil {
		return false
	}
	c := string(v)
	i := strings.LastIndexByte(c, '.')
	if i < 0 {
		return false
	}
	top := c[i+1:]
	if len(top) < 2 || slices.Contains(fileExtensions, top) {
		return false
	}
	if strings.HasPrefix(top, "xn--") {
		return true
	}
	for i := range len(top) {
		if top[i] < 'a' || top[i] > 'z' {
			return false
		}
	}
	return true
}

func isHex(v []byte) bool {
	for _, c := range v {
		if hexDigit(c) < 0 {
			return false
		}
	}
	return true
}
