// Preloaded into a broker by the power-cut test alone: every flush says yes and does nothing. So the test shows that it
// can see a loss. No program of ours links this.
#include <unistd.h>

extern "C" {
int fdatasync(int /*descriptor*/) { return 0; }
int fsync(int /*descriptor*/) { return 0; }
void sync() {}
int syncfs(int /*descriptor*/) { return 0; }
}
