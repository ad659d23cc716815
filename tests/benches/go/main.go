// Command codecserver is what the bench compares codec-host with: Temporal's own HTTP handler for
// payload codecs, around a codec that encrypts in the format of the SDK samples.
//
// usage: codecserver KEY-ID KEY-FILE
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

const (
	encodingKey   = "encoding"
	encryptedMark = "binary/encrypted"
	keyIDKey      = "encryption-key-id"
)

// codec seals whole payloads with AES-GCM: nonce, ciphertext, tag. The key is expanded once, which
// the samples do for every payload: the faster of the two is the one to be compared with.
type codec struct {
	keyID string
	aead  cipher.AEAD
}

func (c *codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		plain, err := proto.Marshal(payload)
		if err != nil {
			return nil, err
		}
		size := c.aead.NonceSize()
		sealed := make([]byte, size, size+len(plain)+c.aead.Overhead())
		if _, err := rand.Read(sealed); err != nil {
			return nil, err
		}
		encoded[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				encodingKey: []byte(encryptedMark),
				keyIDKey:    []byte(c.keyID),
			},
			Data: c.aead.Seal(sealed, sealed, plain, nil),
		}
	}
	return encoded, nil
}

func (c *codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if string(payload.Metadata[encodingKey]) != encryptedMark {
			decoded[i] = payload
			continue
		}
		if string(payload.Metadata[keyIDKey]) != c.keyID {
			return nil, errors.New("unknown key")
		}
		size := c.aead.NonceSize()
		if len(payload.Data) < size {
			return nil, errors.New("too short")
		}
		plain, err := c.aead.Open(nil, payload.Data[:size], payload.Data[size:], nil)
		if err != nil {
			return nil, err
		}
		decoded[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, decoded[i]); err != nil {
			return nil, err
		}
	}
	return decoded, nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: codecserver KEY-ID KEY-FILE")
	}
	key, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		log.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())

	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{
		Handler:   converter.NewPayloadCodecHTTPHandler(&codec{os.Args[1], aead}),
		Protocols: &protocols,
	}
	log.Fatal(server.Serve(listener))
}
