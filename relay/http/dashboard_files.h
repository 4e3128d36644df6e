// The page's files from relay/dashboard, as the build embedded them (embed.cmake).
#pragma once

#include <string_view>

namespace relay::http::dashboard {

extern const std::string_view kIndexHtml;
extern const std::string_view kAppJs;
extern const std::string_view kStyleCss;
extern const std::string_view kIconSvg;

}  // namespace relay::http::dashboard
