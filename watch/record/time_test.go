package record

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTime(t *testing.T) {
	tests := []struct {
		name   string
		format Format
		raw    string
		want   string // RFC 3339; "" for none
	}{
		{"EVE", FormatEVE, `{"timestamp":"2020-09-22T18:52:40.080910+0000","flow":{"start":"2020-09-22T18:00:00.000000+0000"}}`, "2020-09-22T18:52:40.08091Z"},
		{"EVE in a zone", FormatEVE, `{"timestamp":"2020-09-22T19:52:40.080910+0100"}`, "2020-09-22T18:52:40.08091Z"},
		{"Zeek epoch", FormatZeek, `{"ts":1588205199.82437}`, "2020-04-30T00:06:39.82437Z"},
		{"Zeek epoch as text", FormatZeek, `{"ts":"1521911720.629574"}`, "2018-03-24T17:15:20.629574Z"},
		{"Zeek RFC 3339, the event before its writing", FormatZeek, `{"_write_ts":"2018-03-24T17:15:21Z","ts":"2018-03-24T17:15:20.865716Z"}`, "2018-03-24T17:15:20.865716Z"},
		{"EVTX", FormatWindows, `{"Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2025-11-27T07:40:10.165324Z"}}},"EventData":{"UtcTime":"2025-11-27 07:40:10.132"}}}`, "2025-11-27T07:40:10.165324Z"},
		{"xmltodict", FormatWindows, `{"Event":{"System":{"TimeCreated":{"@SystemTime":"2025-11-27T07:40:10.1653245Z"}}}}`, "2025-11-27T07:40:10.1653245Z"},
		{"Sysmon through NXLog, the event before the forwarder", FormatWindows, `{"EventTime":"2020-08-07 10:39:12","@timestamp":"2020-08-07T14:39:14.239Z","UtcTime":"2020-08-07 14:39:12.132"}`, "2020-08-07T14:39:12.132Z"},
		{"NXLog, a time with a zone before one without", FormatWindows, `{"EventTime":"2020-08-07 10:39:12","@timestamp":"2020-08-07T14:39:14.239Z"}`, "2020-08-07T14:39:14.239Z"},
		{"NXLog alone", FormatWindows, `{"EventTime":"2020-08-07 10:39:12"}`, "2020-08-07T10:39:12Z"},
		{"flat", FormatWindows, `{"@timestamp":"2022-08-18T06:55:58Z","TimeCreated":"2022-08-18T06:55:57.789Z"}`, "2022-08-18T06:55:57.789Z"},
		{"Winlogbeat", FormatWindows, `{"@timestamp":"2022-08-18T06:55:58Z","winlog":{"event_id":1}}`, "2022-08-18T06:55:58Z"},
		{"PowerShell", FormatWindows, `{"TimeCreated":"\/Date(1659600000123)\/"}`, "2022-08-04T08:00:00.123Z"},
		{"Wazuh", FormatWindows, `{"timestamp":"2022-08-18T06:55:59.000+0000","data":{"win":{"system":{"systemTime":"2022-08-18T06:55:57.7890000Z"}}}}`, "2022-08-18T06:55:57.789Z"},
		{"audit JSON", FormatAudit, `{"msg":"audit(1604996384.965:93777)"}`, "2020-11-10T08:19:44.965Z"},
		{"Laurel", FormatAudit, `{"ID":"1604996384.965:93777","SYSCALL":{}}`, "2020-11-10T08:19:44.965Z"},
		{"CloudTrail", FormatCloudTrail, `{"eventTime":"2023-07-10T21:10:10Z"}`, "2023-07-10T21:10:10Z"},
		{"JSON milliseconds", FormatJSON, `{"timestamp":1604996384965}`, "2020-11-10T08:19:44.965Z"},
		{"JSON microseconds", FormatJSON, `{"ts":1604996384965123}`, "2020-11-10T08:19:44.965123Z"},
		{"JSON nanoseconds", FormatJSON, `{"ts":"1604996384965123456"}`, "2020-11-10T08:19:44.965123456Z"},
		{"JSON floating", FormatJSON, `{"ts":1.6e9}`, "2020-09-13T12:26:40Z"},
		{"a date", FormatJSON, `{"date":"2024-02-29"}`, "2024-02-29T00:00:00Z"},
		{"web server", FormatJSON, `{"time":"10/Oct/2000:13:55:36 -0700"}`, "2000-10-10T20:55:36Z"},
		{"the better field is no time", FormatJSON, `{"timestamp":"yesterday","time":"2024-01-01T00:00:00+05:30"}`, "2023-12-31T18:30:00Z"},
		{"a duration", FormatJSON, `{"time":12.5}`, ""},
		{"no such day", FormatJSON, `{"time":"2023-02-29T00:00:00Z"}`, ""},
		{"the time of a writer that knows none", FormatZeek, `{"_write_ts":"1970-01-01T00:00:00.000000Z"}`, ""},
		{"no time", FormatEVE, `{"a":1}`, ""},
		{"null", FormatEVE, `{"timestamp":null}`, ""},
	}
	fl := newFlattener()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := fl.Flatten([]byte(tt.raw), tt.format)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := r.Time()
			if ok != (tt.want != "") || ok && got.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("got %v %v, want %s", got, ok, tt.want)
			}
		})
	}
}

// What time.Format writes is what parseTime reads.
func TestParseTimeAgrees(t *testing.T) {
	layouts := []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999 -0700", "2006-01-02T15:04:05.999999999Z0700", "2006/01/02 15:04:05.999999999 -07:00"}
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "minutes")*60)
		want := time.Unix(rapid.Int64Range(minEpoch, maxEpoch-86400).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone)
		text := want.Format(rapid.SampledFrom(layouts).Draw(t, "layout"))
		got, ok := parseTime([]byte(text))
		if !ok || !got.Equal(want) {
			t.Fatalf("%s is read as %v %v", text, got, ok)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2020-09-22T18:52:40.080910+0000", "1588205199.82437", "audit(1604996384.965:93777):", "/Date(1659600000000)/", "10/Oct/2000:13:55:36 -0700", "1e300", "audit(", "-", "9223372036854775807", "2024-02-30", "2024-01-01T00:00:00.123456789123+24"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, ok := parseTime(text); ok && (got.Year() < -1 || got.Year() > 10000) {
			t.Errorf("%q is read as %v", text, got)
		}
	})
}
