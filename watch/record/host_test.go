package record

import "testing"

func TestHost(t *testing.T) {
	tests := []struct {
		name   string
		format Format
		raw    string
		want   string
	}{
		{"EVE", FormatEVE, `{"host":"sensor-1","http":{"hostname":"example.com"}}`, "sensor-1"},
		{"EVE without", FormatEVE, `{"http":{"hostname":"example.com"}}`, ""},
		{"Zeek", FormatZeek, `{"host":"example.com","@system":"zeek-1"}`, "zeek-1"},
		{"Zeek, Corelight", FormatZeek, `{"_system_name":"zeek-2"}`, "zeek-2"},
		{"Zeek, a site that somebody visited", FormatZeek, `{"_path":"http","host":"example.com"}`, ""},
		{"EVTX", FormatWindows, `{"Event":{"System":{"Computer":"WS-1"}}}`, "WS-1"},
		{"NXLog, not the collector", FormatWindows, `{"host":"collector","Hostname":"WS-1.corp.example"}`, "WS-1.corp.example"},
		{"Winlogbeat, not the collector", FormatWindows, `{"host":{"name":"collector"},"winlog":{"computer_name":"WS-1"}}`, "WS-1"},
		{"audit, not the other side", FormatAudit, `{"node":"srv-1","hostname":"192.0.2.7"}`, "srv-1"},
		{"audit, nothing known", FormatAudit, `{"hostname":"?"}`, ""},
		{"CloudTrail", FormatCloudTrail, `{"userIdentity":{"accountId":"111111111111"},"recipientAccountId":"222222222222"}`, "222222222222"},
		{"JSON", FormatJSON, `{"host":{"name":"h-1"}}`, "h-1"},
		{"escaped", FormatJSON, `{"hostname":"h\u002d1"}`, "h-1"},
		{"empty", FormatJSON, `{"hostname":"","host":"h-2"}`, "h-2"},
	}
	fl := newFlattener()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := fl.Flatten([]byte(tt.raw), tt.format)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Host(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
