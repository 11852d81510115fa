package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// applyEncoding is every modifier that turns text into other text.
func applyEncoding(it *item, modifier string) error {
	if modifier == "base64offset" {
		it.offsets = true
	}
	return it.each(func(op operand) ([]operand, error) {
		if err := it.text(op, modifier); err != nil {
			return nil, err
		}
		var variants [][]GlobPart
		switch modifier {
		case "windash":
			var err error
			if variants, err = windash(op.parts); err != nil {
				return nil, err
			}
		case "base64", "base64offset":
			text, err := literal(op, modifier)
			if err != nil {
				return nil, err
			}
			for _, v := range encodeBase64(text, modifier == "base64offset") {
				variants = append(variants, []GlobPart{{Literal, v}})
			}
		default:
			variants = [][]GlobPart{encodeUTF16(op.parts, modifier)}
		}
		out := make([]operand, 0, len(variants))
		for _, v := range variants {
			out = append(out, operand{kind: StringValue, raw: op.raw, parts: v})
		}
		return out, nil
	})
}

func literal(op operand, modifier string) (string, error) {
	var text strings.Builder
	for _, p := range op.parts {
		if p.Kind != Literal {
			return "", fmt.Errorf("%s encodes plain text, and %q has wildcards by then; write \\* for a star, and contains after %s", modifier, shorten(op.raw), modifier)
		}
		text.WriteString(p.Text)
	}
	if text.Len() == 0 {
		return "", fmt.Errorf("%s has nothing to encode", modifier)
	}
	return text.String(), nil
}

// encodeBase64 returns text in Base64, or with offsets the characters that it
// fixes wherever it begins within a group of three bytes: those that share
// bits with a neighbour are cut off.
func encodeBase64(text string, offsets bool) []string {
	if !offsets {
		return []string{base64.StdEncoding.EncodeToString([]byte(text))}
	}
	var out []string
	for shift, start := range []int{0, 2, 3} {
		encoded := base64.StdEncoding.EncodeToString([]byte("   "[:shift] + text))
		end := len(encoded) - []int{0, 3, 2}[(len(text)+shift)%3]
		if start < end {
			out = append(out, encoded[start:end])
		}
	}
	return out
}

// encodeUTF16 encodes the literal parts; wildcards stay what they are.
func encodeUTF16(parts []GlobPart, modifier string) []GlobPart {
	var out []GlobPart
	if modifier == "utf16" {
		out = append(out, GlobPart{Literal, "\xff\xfe"})
	}
	for _, p := range parts {
		if p.Kind == Literal {
			var b []byte
			for _, unit := range utf16.Encode([]rune(p.Text)) {
				if modifier == "utf16be" {
					b = binary.BigEndian.AppendUint16(b, unit)
				} else {
					b = binary.LittleEndian.AppendUint16(b, unit)
				}
			}
			p.Text = string(b)
		}
		out = append(out, p)
	}
	return out
}

// dashes are what Windows programs take for the sign before a parameter.
var dashes = []string{"-", "/", "–", "—", "―"}

// windash returns parts with every dash that begins a parameter written in
// all ways. Such a dash stands before a letter, digit or _, and after none.
func windash(parts []GlobPart) ([][]GlobPart, error) {
	variants := [][]GlobPart{nil}
	add := func(texts ...string) error {
		if len(variants)*len(texts) > maxAlternatives {
			return fmt.Errorf("windash gives more than %d variants; write fewer dashes in one value", maxAlternatives)
		}
		next := make([][]GlobPart, 0, len(variants)*len(texts))
		for _, v := range variants {
			for _, t := range texts {
				next = append(next, append(v[:len(v):len(v)], GlobPart{Literal, t}))
			}
		}
		variants = next
		return nil
	}
	for _, p := range parts {
		if p.Kind != Literal {
			for i := range variants {
				variants[i] = append(variants[i], p)
			}
			continue
		}
		rest, start := p.Text, 0
		for i, r := range rest {
			n := utf8.RuneLen(r)
			if n < 0 || !strings.ContainsRune("-/–—―", r) {
				continue
			}
			before, _ := utf8.DecodeLastRuneInString(rest[:i])
			after, _ := utf8.DecodeRuneInString(rest[i+n:])
			if isWordRune(before) || !isWordRune(after) {
				continue
			}
			if err := add(rest[start:i]); err != nil {
				return nil, err
			}
			if err := add(dashes...); err != nil {
				return nil, err
			}
			start = i + n
		}
		if err := add(rest[start:]); err != nil {
			return nil, err
		}
	}
	return variants, nil
}

func isWordRune(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
