package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/latticenet/lattice-host/registry/release"
)

// passphraseVariable holds the passphrase of private keys where no one is there to type one.
const passphraseVariable = "LATTICE_PASSPHRASE"

// asker asks a person for a secret.
type asker func(ctx context.Context, prompt string) ([]byte, error)

// terminalAsker returns an asker for the terminal on standard input, or nil when that is not a
// terminal.
func terminalAsker(stdin io.Reader, stderr io.Writer) asker {
	f, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(ctx context.Context, prompt string) ([]byte, error) {
		before, err := term.GetState(int(f.Fd()))
		if err != nil {
			return nil, err
		}
		// An interrupted program must not leave the terminal without echo.
		stop := context.AfterFunc(ctx, func() { _ = term.Restore(int(f.Fd()), before) })
		defer stop()
		fmt.Fprint(stderr, printable(prompt)+": ")
		secret, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(stderr)
		return secret, err
	}
}

// readKey reads a private key. The passphrase of an encrypted one is $LATTICE_PASSPHRASE, or one
// that opened another file before, or is asked for.
func (a *app) readKey(ctx context.Context, file string) (release.PrivateKey, error) {
	if a.passphrase != nil {
		key, err := release.ReadPrivateKey(file, func() ([]byte, error) { return a.passphrase, nil })
		if !errors.Is(err, release.ErrPassphrase) {
			return key, asInput(err)
		}
	}
	var given []byte
	key, err := release.ReadPrivateKey(file, func() (_ []byte, err error) {
		given, err = a.givenPassphrase(ctx, "passphrase of "+file)
		if given == nil && err == nil {
			err = errors.New("is encrypted: set $" + passphraseVariable + ", or run this on a terminal to be asked")
		}
		return given, err
	})
	if err == nil {
		a.passphrase = given
	}
	return key, asInput(err)
}

// newPassphrase returns what a new key is to be encrypted with.
func (a *app) newPassphrase(ctx context.Context) ([]byte, error) {
	first, err := a.givenPassphrase(ctx, "passphrase for the new key")
	switch {
	case err != nil:
		return nil, asInput(err)
	case first == nil:
		return nil, usagef("a private key needs a passphrase: set $%s, run this on a terminal to be asked, or leave the key in the clear with --unencrypted",
			passphraseVariable)
	case a.getenv(passphraseVariable) != "":
		return first, nil
	}
	second, err := a.ask(ctx, "the same again")
	if err != nil {
		return nil, asInput(err)
	}
	if !bytes.Equal(first, second) {
		return nil, inputf("the passphrases are not the same: nothing was written")
	}
	return first, nil
}

// givenPassphrase returns $LATTICE_PASSPHRASE, or what a person types; nil when there is neither.
func (a *app) givenPassphrase(ctx context.Context, prompt string) ([]byte, error) {
	if secret := a.getenv(passphraseVariable); secret != "" {
		return []byte(secret), nil
	}
	if a.ask == nil {
		return nil, nil
	}
	secret, err := a.ask(ctx, prompt)
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	if len(secret) == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	return secret, nil
}
