package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// headSize is how much of a file is looked at to recognise it.
const headSize = 64 << 10

// maxLine bounds a line of a list or a row of a CSV, in bytes.
const maxLine = 1 << 20

// content recognises what a file holds and reads it.
func (r *reader) content(in io.Reader) error {
	br := r.buffer
	br.Reset(in)
	head, err := br.Peek(headSize)
	if err != nil && err != io.EOF && len(head) == 0 {
		return err
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = br.Discard(3) // it was peeked at
		head = head[3:]
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return errors.New("the text is in UTF-16; convert it to UTF-8")
	}
	if what := compressed(head); what != "" {
		return fmt.Errorf("it is compressed with %s; unpack it first", what)
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return errNotFeed("this is no text")
	}
	if looksLikeJSON(head) {
		return r.json(br, sniffJSON(head))
	}
	if r.warninglists != nil {
		return errNotFeed("this is no MISP warninglist")
	}
	if header, ok := sniffCSV(head, r.now.Name); ok {
		r.now.Format = "CSV"
		return r.csv(br, header)
	}
	r.now.Format = "list"
	return r.list(br)
}

// compressed recognises what is not unpacked here.
func compressed(head []byte) string {
	for magic, what := range map[string]string{"BZh": "bzip2", "\xfd7zXZ\x00": "xz", "7z\xbc\xaf\x27\x1c": "7-Zip", "Rar!\x1a\x07": "RAR"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return what
		}
	}
	return ""
}

func (r *reader) json(in io.Reader, format string) error {
	r.now.Format = format
	if r.warninglists != nil && format != formatWarninglist {
		return errNotFeed("this is no MISP warninglist")
	}
	switch format {
	case formatSTIX:
		return r.stix(in)
	case formatMISP:
		return r.misp(in)
	case formatStrings:
		return r.jsonStrings(in)
	case formatManifest:
		return nil
	case formatWarninglist:
		if r.warninglists == nil {
			return errNotFeed("a MISP warninglist says what is harmless; give it with --warninglists")
		}
		return r.readWarninglists(in)
	}
	return errNotFeed("this JSON is no STIX bundle or object, no MISP event, and no array of values")
}

// What JSON files can hold.
const (
	formatSTIX        = "STIX"
	formatMISP        = "MISP event"
	formatManifest    = "MISP feed manifest"
	formatWarninglist = "MISP warninglist"
	formatStrings     = "JSON array of values"
	formatOther       = "JSON"
)

// looksLikeJSON tells JSON from lists, which may begin with [2001:db8::1] or
// [section].
func looksLikeJSON(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 || head[0] == '{' {
		return len(head) > 0
	}
	if head[0] != '[' {
		return false
	}
	rest := bytes.TrimLeft(head[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == '"' || rest[0] == ']')
}

var (
	uuid      = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	stixID    = regexp.MustCompile(`^[a-z0-9-]+--[0-9a-fA-F-]{36}$`)
	stixKeys  = []string{"objects", "spec_version", "pattern", "pattern_type", "created_by_ref", "object_marking_refs", "valid_from"}
	stixTypes = []string{
		"bundle", "indicator", "identity", "marking-definition", "attack-pattern", "campaign", "course-of-action", "grouping",
		"infrastructure", "intrusion-set", "location", "malware", "malware-analysis", "note", "observed-data", "opinion", "report",
		"threat-actor", "tool", "vulnerability", "relationship", "sighting", "extension-definition", "language-content",
	}
	mispKeys = []string{"Event", "response", "Attribute", "Orgc", "orgc_id", "threat_level_id", "publish_timestamp", "analysis", "info", "attribute_count"}
	listKeys = []string{"list", "matching_attributes"}
)

// sniffJSON looks at the keys of the first object, which may be cut.
func sniffJSON(head []byte) string {
	d := json.NewDecoder(bytes.NewReader(head))
	tok, err := d.Token()
	for err == nil && tok == json.Delim('[') {
		tok, err = d.Token()
	}
	if _, isText := tok.(string); isText || tok == json.Delim(']') {
		return formatStrings
	}
	if tok != json.Delim('{') {
		return formatOther
	}
	for {
		tok, err := d.Token()
		key, isKey := tok.(string)
		if err != nil || !isKey {
			return formatOther
		}
		switch {
		case slices.Contains(mispKeys, key):
			return formatMISP
		case slices.Contains(stixKeys, key):
			return formatSTIX
		case slices.Contains(listKeys, key):
			return formatWarninglist
		}
		tok, err = d.Token()
		if err != nil {
			return formatOther
		}
		switch v := tok.(type) {
		case string:
			if key == "type" && slices.Contains(stixTypes, v) || key == "id" && stixID.MatchString(v) {
				return formatSTIX
			}
		case json.Delim:
			if v == '{' && uuid.MatchString(key) {
				return formatManifest
			}
			for depth := 1; depth > 0; {
				tok, err := d.Token()
				if err != nil {
					return formatOther
				}
				switch tok {
				case json.Delim('{'), json.Delim('['):
					depth++
				case json.Delim('}'), json.Delim(']'):
					depth--
				}
			}
		}
	}
}

// sniffCSV looks for a header among the first lines: a row of known column
// names, perhaps behind a comment sign. A .csv without one is read too.
func sniffCSV(head []byte, name string) (csvHeader, bool) {
	named := strings.Contains(strings.ToLower(name), ".csv")
	commented := csvHeader{}
	for line := range strings.Lines(string(head)) {
		text := strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if body, ok := strings.CutPrefix(text, "#"); ok {
			body = strings.TrimPrefix(strings.TrimSpace(body), "fields\t")
			if h, ok := parseHeader(body); ok && len(h.columns) > 1 {
				commented = h
			}
			continue
		}
		if h, ok := parseHeader(text); ok {
			h.inRows = true
			return h, true
		}
		if commented.columns != nil && len(splitRow(text, commented.comma)) == len(commented.columns) {
			return commented, true
		}
		if named {
			return headerless(text)
		}
		break
	}
	return csvHeader{}, false
}
