package endpoint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for url, want := range map[string]Endpoint{
		"https://api.example.com":               {Scheme: "https", Host: "api.example.com", Port: 443},
		"http://api.example.com/v1?x=y":         {Scheme: "http", Host: "api.example.com", Port: 80},
		"HTTPS://api.example.com:8443":          {Scheme: "https", Host: "api.example.com", Port: 8443},
		"DB.Example.com.:5432":                  {Scheme: "tcp", Host: "db.example.com", Port: 5432},
		"app:p@db.example.com:51":               {Scheme: "tcp", Host: "db.example.com", Port: 51, Secret: true},
		"tcp://10.1.2.3:5432":                   {Scheme: "tcp", Host: "10.1.2.3", Port: 5432},
		"tcp://[2001:db8::1]:5432/db":           {Scheme: "tcp", Host: "2001:db8::1", Port: 5432},
		"postgres://app:p@ss@db.example.com:51": {Scheme: "postgres", Host: "db.example.com", Port: 51, Secret: true},
		"postgres://app@db.example.com:51":      {Scheme: "postgres", Host: "db.example.com", Port: 51},
	} {
		got, problem := Parse(url)
		if problem != "" {
			t.Errorf("%s: %s", url, problem)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", url, diff)
		}
	}
}

func TestParseProblems(t *testing.T) {
	for url, want := range map[string]string{
		"api.example.com":       "has neither a scheme nor a port",
		"://host:1":             "has no scheme",
		"https://.":             "names no host",
		"https://":              "names no host",
		"https:///path":         "names no host",
		"tcp://host":            "needs a port",
		"https://host:0":        "not a number from 1 to 65535",
		"https://host:x":        "not a number from 1 to 65535",
		"https://[::1":          "brackets",
		"https://[::1]nonsense": "brackets",
	} {
		if _, problem := Parse(url); !strings.Contains(problem, want) {
			t.Errorf("%s: got %q, want a problem with %q", url, problem, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("https://user:password@[::1]:443/path?query#fragment")
	f.Fuzz(func(t *testing.T, url string) {
		if e, problem := Parse(url); problem == "" && (e.Host == "" || e.Port < 1 || e.Port > 65535) {
			t.Errorf("%q gave %+v without a problem", url, e)
		}
	})
}
