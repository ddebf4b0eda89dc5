package market

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/internal/check"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

const (
	platformFormat   = 1
	maxPlatformBytes = 256 << 10
)

// platform is the content of platform.json: what the installation was last told to run on the
// platform. It is what to look for releases by, and no part of what is trusted.
type platform struct {
	Version  int      `json:"version"`
	Software Software `json:"software"`
}

func (h *Home) platformFile() string { return filepath.Join(h.dir, "platform.json") }

// software returns what is remembered of the platform, nil when that is nothing.
func (h *Home) software() (Software, error) {
	data, err := diskfile.Read(os.OpenFile, h.platformFile(), maxPlatformBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := parsePlatform(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: set the platform again with --platform, or remove the file", h.platformFile(), err)
	}
	return p.Software, nil
}

func parsePlatform(data []byte) (*platform, error) {
	var p platform
	return &p, strictjson.DecodeChecked(data, maxPlatformBytes, &p, func() error { return check.Version(p.Version, platformFormat) })
}

// remember has the installation know what runs on the platform; nil has it forget.
func (h *Home) remember(s Software) error {
	if s == nil {
		return removeIfThere(h.platformFile())
	}
	data, err := strictjson.MarshalIndent(platform{platformFormat, s})
	if err != nil {
		return err
	}
	return replaceChanged(h.platformFile(), data)
}
