package pattern

import (
	"fmt"
	"strings"
)

// hashDigits gives the length of a hash in hexadecimal digits, by the name of
// its algorithm in capitals without hyphens (hash-algorithm-ov, §10.7).
var hashDigits = map[string]int{
	"MD5": 32, "SHA1": 40, "SHA224": 56, "SHA256": 64, "SHA384": 96, "SHA512": 128,
	"SHA3224": 56, "SHA3256": 64, "SHA3384": 96, "SHA3512": 128,
	"RIPEMD160": 40, "WHIRLPOOL": 128,
}

// HashName writes the name of a hash algorithm in one way whatever way a
// pattern spells it: sha-256, SHA256 and SHA-256 are SHA256.
func HashName(key string) string { return strings.ToUpper(strings.ReplaceAll(key, "-", "")) }

// wrongHash says why a test that asks for equality with a hash can never hold,
// as OASIS's validator does; "" otherwise.
func wrongHash(t *Test) string {
	if t.Op != Equal && t.Op != NotEqual && t.Op != In {
		return ""
	}
	last := t.Path.Steps[len(t.Path.Steps)-1]
	digits, known := hashDigits[HashName(last.Key)]
	if last.Kind != Key || !known {
		return ""
	}
	for _, s := range t.Path.Steps[:len(t.Path.Steps)-1] {
		if s.Key != "hashes" {
			continue
		}
		for _, v := range t.Values {
			if v.Kind == String && (len(v.Text) != digits || strings.Trim(v.Text, "0123456789abcdefABCDEF") != "") {
				return fmt.Sprintf("%s is no %s hash; it has %d hexadecimal digits", v, last.Key, digits)
			}
		}
	}
	return ""
}
