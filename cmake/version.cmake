# generated/version_generated.h: the project's version and the revision it was built from.
find_package(Git QUIET)
set(OUTBOX_REVISION "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${PROJECT_SOURCE_DIR} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE OUTBOX_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT OUTBOX_REVISION)
  set(OUTBOX_REVISION "unknown")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/version_generated.h.in ${PROJECT_BINARY_DIR}/generated/version_generated.h @ONLY)
