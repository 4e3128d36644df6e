# Every target of ours links this: warnings are errors on the compilers that CI uses.
add_library(outbox_warnings INTERFACE)
target_compile_options(outbox_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Werror
  # g++ 12 is wrong about std::variant and std::string when it optimises (GCC bugs 105562, 105651, 105329).
  -Wno-maybe-uninitialized -Wno-restrict)
target_include_directories(outbox_warnings INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)

# outbox_library(name SOURCES… LINK…): a static library of one module, its sources listed.
function(outbox_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE outbox_warnings)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
endfunction()

# outbox_test(name SOURCES… LINK… [LABEL unit|integration|long]): one GoogleTest program, its tests known to ctest.
# (two environment properties, because gtest_discover_tests loses all but the first value of a list)
function(outbox_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} outbox_warnings PkgConfig::gmock PkgConfig::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
               ENVIRONMENT "OUTBOX_BIN=${CMAKE_BINARY_DIR}/bin"
               ENVIRONMENT_MODIFICATION "OUTBOX_SOURCE=set:${PROJECT_SOURCE_DIR}")
endfunction()
