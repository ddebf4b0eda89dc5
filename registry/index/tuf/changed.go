package tuf

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Changed reports whether a refresh might find something new: another timestamp than the one that
// was last verified, or another root. It believes nothing of what it reads, and costs two small
// reads of the source.
func (c *Client) Changed(ctx context.Context) (bool, error) {
	if c.config.Source == nil {
		return false, unavailable("refresh", errors.New("there is no source"))
	}
	r, err := c.state.load()
	if err != nil {
		return false, err
	}
	if r.Verified == nil {
		return true, nil
	}
	file := fileOf(metadata.TIMESTAMP)
	data, err := c.config.Source.Metadata(ctx, file, maxTimestampBytes)
	if err != nil {
		return false, fetchError(file, err)
	}
	if digest(data) != r.Verified.Timestamp {
		return true, nil
	}
	_, err = c.config.Source.Metadata(ctx, rootFile(r.Root+1), maxRootBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// RootKeyIDs returns the ids of the keys that the root names for itself, as the index has them,
// sorted.
func (v *View) RootKeyIDs() []string {
	role := v.set.Root.Signed.Roles[metadata.ROOT]
	ids := append([]string{}, role.KeyIDs...)
	slices.Sort(ids)
	return slices.Compact(ids)
}
