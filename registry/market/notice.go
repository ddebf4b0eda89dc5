package market

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/lock"
)

const (
	noticesFormat   = 1
	maxNoticesBytes = 4 << 20
)

// Notice is what an index says about an installed release. It changes nothing about what runs.
type Notice struct {
	// Plugin is publisher/name@version.
	Plugin string `json:"plugin"`
	// Text is one line for people.
	Text string `json:"text"`
}

// notices is the content of notices.json, next to the state of an index: what the last refresh
// found. It is a reminder and not signed; what must not run is in the revocations.
type notices struct {
	Version int      `json:"version"`
	Notices []Notice `json:"notices"`
}

func (h *Home) noticesFile(index string) string {
	return filepath.Join(h.indexDir(index), "notices.json")
}

// note writes down what a refreshed index says about the releases that are installed from it.
func (h *Home) note(ctx context.Context, o *openIndex, l *lock.Lock) ([]Notice, error) {
	found := []Notice{}
	for _, p := range l.Plugins {
		if p.Index != o.Name {
			continue
		}
		if e := o.revoked.Find(revocable(p, o.publishers)); e != nil {
			found = append(found, Notice{p.Reference(), "was revoked on " + e.Since + ": " + e.Reason})
		}
		versions, err := o.view.Versions(ctx, p.Publisher, p.Name)
		if err != nil && !errors.Is(err, tuf.ErrNotFound) {
			return nil, err
		}
		found = append(found, noticesOf(p, versions)...)
	}
	data, err := strictjson.MarshalIndent(notices{noticesFormat, found})
	if err != nil {
		return nil, err
	}
	return found, replaceChanged(h.noticesFile(o.Name), data)
}

func noticesOf(p lock.Plugin, versions []tuf.Version) []Notice {
	for i := range versions {
		v := &versions[i]
		if v.Version != p.Version {
			continue
		}
		var found []Notice
		if v.Yanked != nil {
			found = append(found, Notice{p.Reference(), "was yanked: " + v.Yanked.Reason + "; it runs on, lattice-host update looks for another version"})
		}
		if v.Deprecated != nil {
			found = append(found, Notice{p.Reference(), deprecation(v.Deprecated)})
		}
		return found
	}
	return []Notice{{p.Reference(), "is no longer in the index"}}
}

func deprecation(d *tuf.Deprecated) string {
	if d.Replacement == "" {
		return "is deprecated: " + d.Reason
	}
	return "is deprecated: " + d.Reason + "; use " + d.Replacement
}

// readNotices returns what the last refresh of an index found. A file that is missing or damaged
// reminds of nothing.
func (h *Home) readNotices(index string) []Notice {
	data, err := diskfile.Read(os.OpenFile, h.noticesFile(index), maxNoticesBytes)
	if err != nil {
		return nil
	}
	var n notices
	if strictjson.Decode(data, maxNoticesBytes, &n) != nil || n.Version != noticesFormat {
		return nil
	}
	return n.Notices
}

// staleness says for how long an index has been expired, or nothing.
func staleness(x Index, view *tuf.View) (string, error) {
	expired, err := view.Expired()
	if err != nil || len(expired) == 0 {
		return "", err
	}
	days, err := view.StaleDays()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the index %s expired on %s, %d days ago: what is installed runs on, and what was revoked since is not known; "+
		"run lattice-host index fetch %s", x.Name, strings.Replace(expired[0].Expires.UTC().Format("2006-01-02 15:04"), " ", " at ", 1), days, x.Name), nil
}
