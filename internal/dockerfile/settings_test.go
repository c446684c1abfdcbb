package dockerfile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestSettings reads what of a Dockerfile says how its image runs.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		text, target string
		want         string // the settings that are set, as JSON
	}{
		"all": {
			"FROM base\nENV A=1 B=\"two words\"\nENV A=3\nLABEL team=x\nUSER web\nWORKDIR /srv\nWORKDIR app\nEXPOSE 80 53/udp\nVOLUME /data\nSTOPSIGNAL SIGQUIT\n" +
				"HEALTHCHECK --interval=5s --retries=2 CMD curl -f http://localhost/\nENTRYPOINT [\"/bin/a\"]\nCMD b $c",
			"", `{"On":{"Text":"base","At":{"File":"Dockerfile","Line":1}},"Environment":[{"Name":"B","Value":"two words","At":{"File":"Dockerfile","Line":2}},{"Name":"A","Value":"3","At":{"File":"Dockerfile","Line":3}}],"Labels":[{"Name":"team","Value":"x","At":{"File":"Dockerfile","Line":4}}],` +
				`"User":{"Text":"web","At":{"File":"Dockerfile","Line":5}},"Dir":{"Text":"/srv/app","At":{"File":"Dockerfile","Line":7}},"StopSignal":{"Text":"SIGQUIT","At":{"File":"Dockerfile","Line":10}},"Ports":[{"Text":"53/udp","At":{"File":"Dockerfile","Line":8}},{"Text":"80","At":{"File":"Dockerfile","Line":8}}],` +
				`"Volumes":[{"Text":"/data","At":{"File":"Dockerfile","Line":9}}],"Entrypoint":{"Words":["/bin/a"],"Shell":false,"At":{"File":"Dockerfile","Line":12}},"Command":{"Words":["b $c"],"Shell":true,"At":{"File":"Dockerfile","Line":13}},` +
				`"Health":{"Test":["CMD-SHELL","curl -f http://localhost/"],"Interval":5000000000,"Retries":2,"At":{"File":"Dockerfile","Line":11}}}`,
		},
		"variables": {
			"ARG ON=base\nARG PORT=80\nFROM ${ON}\nARG PORT\nARG DIR=/srv\nENV HOME=$DIR/home\nENV DATA=${HOME}/data\nEXPOSE $PORT\nVOLUME $DATA\nUSER ${NOBODY:-web}",
			"", `{"On":{"Text":"base","At":{"File":"Dockerfile","Line":3}},"Environment":[{"Name":"HOME","Value":"/srv/home","At":{"File":"Dockerfile","Line":6}},{"Name":"DATA","Value":"/srv/home/data","At":{"File":"Dockerfile","Line":7}}],` +
				`"User":{"Text":"web","At":{"File":"Dockerfile","Line":10}},"Ports":[{"Text":"80","At":{"File":"Dockerfile","Line":8}}],"Volumes":[{"Text":"/srv/home/data","At":{"File":"Dockerfile","Line":9}}]}`,
		},
		"stands on a stage": {
			"FROM base AS a\nENV X=1\nEXPOSE 80\nCMD [\"/a\"]\nFROM golang AS b\nCMD [\"/b\"]\nFROM A\nENV Y=$X\nENTRYPOINT [\"/c\"]",
			"", `{"On":{"Text":"base","At":{"File":"Dockerfile","Line":1}},"Environment":[{"Name":"X","Value":"1","At":{"File":"Dockerfile","Line":2}},{"Name":"Y","Value":"1","At":{"File":"Dockerfile","Line":8}}],"Ports":[{"Text":"80","At":{"File":"Dockerfile","Line":3}}],"Entrypoint":{"Words":["/c"],"Shell":false,"At":{"File":"Dockerfile","Line":9}}}`,
		},
		"another stage": {"FROM golang AS b\nCMD [\"/b\"]\nFROM base\nCMD [\"/c\"]", "B", `{"On":{"Text":"golang","At":{"File":"Dockerfile","Line":1}},"Command":{"Words":["/b"],"Shell":false,"At":{"File":"Dockerfile","Line":2}}}`},
		"its own command stays": {"FROM base\nCMD [\"b\"]\nENTRYPOINT [\"/a\"]", "",
			`{"On":{"Text":"base","At":{"File":"Dockerfile","Line":1}},"Entrypoint":{"Words":["/a"],"Shell":false,"At":{"File":"Dockerfile","Line":3}},"Command":{"Words":["b"],"Shell":false,"At":{"File":"Dockerfile","Line":2}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := dockerfile.Read(strings.NewReader(c.text), "Dockerfile", c.target)
			if text := set(t, got); err != nil || text != c.want {
				t.Errorf("got\n%s\nwant\n%s\n%v", text, c.want, err)
			}
		})
	}
}

// set is what is set of the settings, as JSON.
func set(t *testing.T, s dockerfile.Settings) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, nothing := range []string{
		`,"User":{"Text":"","At":{"File":"","Line":0}}`, `,"Dir":{"Text":"","At":{"File":"","Line":0}}`, `,"StopSignal":{"Text":"","At":{"File":"","Line":0}}`, `,"Environment":null`, `,"Labels":null`,
		`,"Ports":null`, `,"Volumes":null`, `,"OnBuild":null`, `,"Entrypoint":null`, `,"Command":null`, `,"Health":null`, `,"Timeout":0`, `,"StartPeriod":0`,
	} {
		text = []byte(strings.ReplaceAll(string(text), nothing, ""))
	}
	return string(text)
}

// TestMistakesOfDockerfiles name the file and the line.
func TestMistakesOfDockerfiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "Dockerfile: file with no instructions",
		"ARG X=1":                        "Dockerfile has no FROM",
		"FROM base\n\nEXPOZE 80":         "Dockerfile:3: unknown instruction: EXPOZE",
		"FROM base\nUSER":                "Dockerfile:2: USER requires exactly one argument",
		"FROM base\nENV A=${B:?missing}": "Dockerfile:2: ",
		"FROM base\nHEALTHCHECK --interval=x CMD a": "Dockerfile:2: ",
	} {
		_, err := dockerfile.Read(strings.NewReader(text), "Dockerfile", "")
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := dockerfile.Read(strings.NewReader("FROM base"), "Dockerfile", "x"); err == nil || !strings.Contains(err.Error(), "no stage called x") {
		t.Errorf("a stage that is not there: %v", err)
	}
	if _, err := dockerfile.Read(strings.NewReader("FROM base\n"+strings.Repeat("#", dockerfile.MaxBytes)), "Dockerfile", ""); err == nil {
		t.Error("a large one is read whole")
	}
}
