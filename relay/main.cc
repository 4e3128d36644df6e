// outbox-relay: the sidecar. run.cc reads the command line, app.cc is the list of what runs.
#include "relay/run.h"

int main(int argc, char** argv) { return relay::run_program(argc, argv); }
