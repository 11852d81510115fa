package record

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

const (
	eveLine     = `{"timestamp":"2026-01-01T00:00:00.000000+0000","event_type":"dns","src_ip":"10.0.0.1"}` + "\n"
	windowsJSON = "{\n  \"Event\": {\n    \"System\": {\n      \"EventID\": 1\n    },\n    \"EventData\": {\n      \"Image\": \"C:\\\\x.exe\"\n    }\n  }\n}\n"
)

// utf16Text is what Windows tools write when told "Unicode".
func utf16Text(order binary.AppendByteOrder, s string) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestDetect(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"EVE", eveLine, "eve, JSON lines, 1"},
		{"EVE behind a broken line", "{\"timestamp\":\"2026\n" + eveLine + eveLine, "eve, JSON lines, 2 and 1 set aside"},
		{"EVE behind text", "starting up\n" + eveLine, "eve, JSON lines, 1 and 1 set aside"},
		{"EVE with two records on a line", eveLine + strings.TrimSpace(eveLine) + " {\"x\":\n" + eveLine, "eve, JSON lines, 2 and 1 set aside"},
		{"EVE with a byte order mark", "\xef\xbb\xbf" + eveLine, "eve, JSON lines, 1"},
		{"EVE in UTF-16", utf16Text(binary.LittleEndian, eveLine), "eve, JSON lines, 1"},
		{"EVE in UTF-16, big end first", utf16Text(binary.BigEndian, eveLine), "eve, JSON lines, 1"},
		{"EVE as an array", "[" + eveLine + "," + eveLine + "]", "eve, JSON array, 2"},
		{"most records decide", eveLine + eveLine + `{"EventID":1,"Channel":"Security"}` + "\n", "eve, JSON lines, 3"},
		{"objects on one line", `{"a":1}{"a":2}`, "json, pretty-printed JSON, 2"},
		{"Zeek", `{"_path":"dns","ts":1.5,"id.orig_h":"10.0.0.1"}`, "zeek, JSON lines, 1"},
		{"Zeek, older names", `{"@stream":"conn","ts":1.5,"uid":"C1","id_orig_h":"10.0.0.1"}`, "zeek, JSON lines, 1"},
		{"Zeek without its log's name", `{"ts":1.5,"uid":"C1","proto":"tcp"}`, "zeek, JSON lines, 1"},
		{"Zeek TSV", zeekHead + "1\t-\t-\t-\t-\t-\n", "zeek, Zeek TSV, 1"},
		{"Windows, converted", windowsJSON, "windows, pretty-printed JSON, 1"},
		{"Windows, one after another", windowsJSON + windowsJSON, "windows, pretty-printed JSON, 2"},
		{"Winlogbeat", `{"winlog":{"event_id":1,"event_data":{"Image":"x"}}}`, "windows, JSON lines, 1"},
		{"flat Windows events", `{"EventID":4688,"Channel":"Security","Hostname":"H"}`, "windows, JSON lines, 1"},
		{"audit", "type=CWD msg=audit(1.2:3): cwd=\"/\"\n", "audit, audit log, 1"},
		{"audit with a broken line", "x\ntype=CWD msg=audit(1.2:3): cwd=\"/\"\n", "audit, audit log, 1 and 1 set aside"},
		{"journald", `{"__REALTIME_TIMESTAMP":"1","MESSAGE":"x"}`, "audit, JSON lines, 1"},
		{"Auditbeat", `{"auditd":{"data":{"syscall":"execve"}}}`, "audit, JSON lines, 1"},
		{"CloudTrail", `{"Records":[{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"X"},{"eventVersion":"1","eventSource":"s3","eventName":"Y"}]}`, "cloudtrail, JSON array in an object, 2"},
		{"CloudTrail, pretty", "{\n  \"Records\": [\n    {\n      \"eventVersion\": \"1\",\n      \"eventSource\": \"s3\",\n      \"eventName\": \"X\"\n    }\n  ]\n}\n", "cloudtrail, JSON array in an object, 1"},
		{"CloudTrail, nothing happened", `{"Records":[]}`, "json, JSON array in an object, 0"},
		{"CloudTrail, one event a line", `{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"X"}`, "cloudtrail, JSON lines, 1"},
		{"Microsoft Graph", `{"@odata.context":"x","value":[{"operationName":"a","tenantId":"b"}]}`, "cloudtrail, JSON array in an object, 1"},
		{"Azure", `{"records":[{"operationName":"a","resourceId":"b"}]}`, "cloudtrail, JSON array in an object, 1"},
		{"an event with an array of its own", `{"id":1,"items":["a"],"people":[{"n":1}],"records":[{"n":2}]}`, "json, JSON lines, 1"},
		{"CSV", "time,src,dst\n1,a,b\n2,c,d\n", "csv, CSV, 2"},
		{"CSV with semicolons", "time;src;dst\n1;a,x;b\n2;c;d\n", "csv, CSV, 2"},
		{"CSV with tabs", "time\tsrc\n1\ta\n", "csv, CSV, 1"},
		{"CSV with line ends in cells", "a,b\n1,\"x\ny\"\n2,z\n", "csv, CSV, 2"},
		{"any JSON", "{\"a\":1}\n", "json, JSON lines, 1"},
		{"only broken JSON", "{\"a\":}\n", "json, JSON lines, 0 and 1 set aside"},
		{"only broken pretty JSON", "{\n  \"a\":\n", "json, pretty-printed JSON, 0 and 1 set aside"},
		{"white space", " \n\n", "json, empty, 0"},
		{"prose", "Dear all,\nplease read, and answer.\n", errUnknownFormat.Error()},
		{"YAML", "title: A rule\nid: 1\ntags:\n  - a\n", errUnknownFormat.Error()},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00,\x00\n\x00", errUnknownFormat.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := story(t, Options{Auto: true, Stdin: strings.NewReader(tt.text)}, "-")
			for i := range got {
				got[i] = strings.TrimPrefix(got[i], "-: ")
			}
			for _, p := range problems {
				got = append(got, strings.TrimPrefix(p, "-: "))
			}
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestForcedFormat(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format Format
		text   string
		want   string
	}{
		{"EVE that tells nothing", FormatEVE, "{\"x\":1}\n", "eve, JSON lines, 1"},
		{"EVE of garbage", FormatEVE, "\x00\xff garbage\n", "eve, JSON lines, 0 and 1 set aside"},
		{"Windows, pretty", FormatWindows, windowsJSON, "windows, pretty-printed JSON, 1"},
		{"Windows, lines", FormatWindows, "{\"EventID\":1}\n", "windows, JSON lines, 1"},
		{"Zeek JSON", FormatZeek, "{\"a\":1}\n", "zeek, JSON lines, 1"},
		{"Zeek TSV", FormatZeek, zeekHead + "1\t-\t-\t-\t-\t-\n", "zeek, Zeek TSV, 1"},
		{"Zeek TSV without a header", FormatZeek, "1\t2\n", "zeek, Zeek TSV, 0 and 1 set aside"},
		{"CSV of one column", FormatCSV, "a\n1\n2\n", "csv, CSV, 2"},
		{"JSON of a wrapper", FormatJSON, `{"Records":[{"a":1}]}`, "json, JSON array in an object, 1"},
		{"audit", FormatAudit, "type=CWD msg=audit(1.2:3): cwd=\"/\"\n", "audit, audit log, 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := story(t, Options{Format: tt.format, Stdin: strings.NewReader(tt.text)}, "-")
			if diff := cmp.Diff([]string{"-: " + tt.want}, got); diff != "" || len(problems) > 0 {
				t.Error(diff, problems)
			}
		})
	}
}

// A header alone is CSV only in a file that says so.
func TestDetectByName(t *testing.T) {
	dir := t.TempDir()
	got, problems := story(t, Options{Auto: true}, put(t, dir, "a.csv", []byte("time,src\n")), put(t, dir, "a.txt", []byte("time,src\n")))
	if diff := cmp.Diff([]string{"a.csv: csv, CSV, 0"}, got); diff != "" || len(problems) != 1 {
		t.Error(diff, problems)
	}
}
