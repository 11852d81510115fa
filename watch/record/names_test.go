package record

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	tests := []struct {
		path string
		want []string // besides path itself
	}{
		// EVTX converters.
		{"Event.EventData.Image", []string{"Image"}},
		{"Event.System.EventID", []string{"EventID"}},
		{"Event.System.EventID.#text", []string{"EventID"}},
		{"Event.System.Channel", []string{"Channel"}},
		{"Event.System.Provider.#attributes.Name", []string{"Provider_Name", "ProviderName", "SourceName"}},
		{"Event.System.Provider.@Name", []string{"Provider_Name"}},
		{"Event.System.Provider_attributes.Name", []string{"Provider_Name"}},
		{"Event.System.Provider._attributes.Name", []string{"Provider_Name"}},
		{"Event.System.Provider.$.Name", []string{"Provider_Name"}},
		{"Event.System.TimeCreated.#attributes.SystemTime", []string{"TimeCreated"}},
		{"Event.System.Execution.#attributes.ProcessID", []string{"ExecutionProcessID"}},
		{"Event.EventData.Data", []string{"Data"}},
		{"Event.EventData.Data.#text", []string{"Data"}},
		{"Event.UserData.CertNotificationData.Action", []string{"Action"}},
		{"Event.EventData.Reference Class Name", []string{"Reference Class Name", "ReferenceClassName"}},
		{"EventData.CommandLine", []string{"CommandLine"}},
		{"System.EventID.Value", []string{"EventID"}},
		// Winlogbeat.
		{"winlog.event_data.param1", []string{"param1"}},
		{"winlog.user_data.param2", []string{"param2"}},
		{"event_data.ServiceName", []string{"ServiceName"}},
		{"winlog.channel", []string{"Channel"}},
		{"winlog.event_id", []string{"EventID"}},
		{"winlog.computer_name", []string{"Computer"}},
		{"winlog.provider_name", []string{"Provider_Name"}},
		{"event_id", []string{"EventID"}},
		{"source_name", []string{"Provider_Name"}},
		{"log_name", []string{"Channel"}},
		{"event.code", []string{"EventID"}},
		// NXLog, Splunk.
		{"SourceName", []string{"Provider_Name"}},
		{"Hostname", []string{"Computer"}},
		{"EventTypeOrignal", []string{"EventType"}},
		{"Target User Name", []string{"TargetUserName"}},
		{"EventCode", []string{"EventID"}},
		// Wazuh.
		{"data.win.eventdata.parentImage", []string{"parentImage", "ParentImage"}},
		{"data.win.system.eventID", []string{"EventID"}},
		{"data.win.system.providerName", []string{"Provider_Name"}},
		// HELK.
		{"process_command_line", []string{"CommandLine"}},
		// Auditbeat, Laurel, EventBridge.
		{"auditd.data.a0", []string{"a0"}},
		{"EXECVE.a1", []string{"a1"}},
		{"detail.eventName", []string{"eventName"}},
		// Zeek.
		{"id.orig_h", []string{"id_orig_h"}},
		{"id_resp_p", []string{"id.resp_p"}},
		{"certificate.serial", []string{"certificate_serial"}},
		{"@stream", []string{"_path"}},
		{"_path", []string{"@stream"}},
	}
	for _, tt := range tests {
		got := namesOf(tt.path)
		if got[0] != tt.path {
			t.Errorf("%s: its own path is not first in %q", tt.path, got)
		}
		for _, want := range tt.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s is not reachable as %s, only as %q", tt.path, want, got)
			}
		}
	}
}

// Most fields have no name but their own.
func TestNamesOfOthers(t *testing.T) {
	for _, path := range []string{"dns.query.rrname", "Image", "", "a.b", "id", "identity", "src_ip", "Event", "EventData", "winlog", ".", "a.#text"} {
		if got := namesOf(path); len(got) != 1 || got[0] != path {
			t.Errorf("%q has the names %q", path, got)
		}
	}
}

func TestPairs(t *testing.T) {
	tests := []struct{ name, raw string }{
		{"xmltodict", `{"Event":{"EventData":{"Data":[{"@Name":"Image","#text":"a.exe"},{"@Name":"User"},{"@Name":"Command Line","#text":"a \"b\""}]}}}`},
		{"evtx_dump", `{"Event":{"EventData":{"Data":[{"#attributes":{"Name":"Image"},"#text":"a.exe"},{"#attributes":{"Name":"User"}},{"#attributes":{"Name":"Command Line"},"#text":"a \"b\""}]}}}`},
		{"the text first", `{"EventData":{"Data":[{"#text":"a.exe","@Name":"Image"}, {"@Name":"User"} , {"#text":"a \"b\"","@Name":"Command Line"}]}}`},
		{"xml2js", `{"Event":{"EventData":{"Data":[{"_":"a.exe","$":{"Name":"Image"}},{"$":{"Name":"User"}},{"_":"a \"b\"","$":{"Name":"Command Line"}}]}}}`},
		{"escaped names", `{"EventData":{"Data":[{"@Name":"\u0049mage","#text":"a.exe"},{"@Name":"Command Line","@Type":"x","#text":"a \"b\""}]}}`},
		{"indented", "{\"EventData\":{\"Data\":[\n {\"Name\":\"Image\",\"Value\":\"a.exe\"},\n {\"Name\":\"User\"},\n {\"Name\":\"Command Line\",\"Value\":\"a \\\"b\\\"\"}\n]}}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fl := newFlattener()
			for range 2 {
				r, err := fl.Flatten([]byte(tt.raw), FormatWindows)
				if err != nil {
					t.Fatal(err)
				}
				for name, want := range map[string]string{"Image": "a.exe", "CommandLine": `a "b"`, "Command Line": `a "b"`} {
					if got, _ := r.First(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				if got, ok := r.First("User"); ok {
					t.Errorf("User, which has no value, is %q", got)
				}
				for i := range r.Fields {
					checkLocate(t, r, &r.Fields[i])
				}
			}
		})
	}
}

// One Data element, and Data elements without names, stay what they are.
func TestPairsNot(t *testing.T) {
	r, err := newFlattener().Flatten([]byte(`{"Event":{"EventData":{"Data":[{"#text":"x"},{"#text":"y"}],"Binary":"z"},"Data":{"Name":"n","Value":"v"}}}`), FormatWindows)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for f := range r.Values("Data") {
		got = append(got, r.String(f))
	}
	if !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("Data is %q", got)
	}
	if v, ok := r.First("n"); ok {
		t.Errorf("a pair outside of EventData became a field: %q", v)
	}
}
